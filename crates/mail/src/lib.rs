//! One message as the checks see it: the envelope, and a bounded view over one buffer.
