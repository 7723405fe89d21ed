//! Typed DNS questions answered once: cached, shared in flight, under a deadline; list zones and their test points.
