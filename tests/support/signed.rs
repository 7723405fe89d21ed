//! Mail that carries a good signature: the example of RFC 8463, appendix A.

/// Whose it is.
pub const SENDER: &str = "joe@football.example.com";
/// Where its key is asked for, and what is published there.
pub const KEY: (&str, &str) = (
    "brisbane._domainkey.football.example.com",
    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
);

/// The message, with its ed25519 signature.
pub const SIGNED: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\n \
    d=football.example.com; i=@football.example.com;\n \
    q=dns/txt; s=brisbane; t=1528637909; h=from : to :\n \
    subject : date : message-id : from : subject : date;\n \
    bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n \
    b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n \
    Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\n\
    From: Joe SixPack <joe@football.example.com>\n\
    To: Suzie Q <suzie@shopping.example.net>\n\
    Subject: Is dinner ready?\n\
    Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n\
    Message-ID: <20030712040037.46341.5F8J@football.example.com>\n\n\
    Hi.\n\nWe lost the game.  Are you hungry yet?\n\nJoe.\n";
