//! Words to make mail of, and the chance that draws them.
//!
//! Invariant: one number, one text.

/// What people write to each other.
const LETTERS: [&str; 30] = [
    "Thank you for the draft; I have read the first three chapters and made some notes in the margin.",
    "The carrier told us that the pallets will be at the warehouse by Thursday noon at the latest.",
    "Could you send me the figures of last quarter again, the attachment did not open here?",
    "We agreed to move the delivery to the second week of December, so that Clara can be there.",
    "I still wonder whether the old pump should be replaced now or after the winter.",
    "Please find below what was said on the telephone this morning, as far as I remember it.",
    "The children are well, and the garden is full of apples that nobody has the time to pick.",
    "As for the budget: the committee wants to see two offers before it decides anything.",
    "Martin has changed the schedule once more, see the table in the shared folder.",
    "My train arrives at 14:35, and I will walk over from the station if the rain stops.",
    "The test on the second machine failed with a time-out, which may well be the network again.",
    "It would help a lot if somebody could look at the log of Tuesday night, around half past two.",
    "We have not heard from the insurance yet, though they promised an answer within ten days.",
    "I enclose the minutes; if there is anything you want to have changed, tell me before Friday.",
    "The new lamp in the hall is on order, and the electrician comes next Monday at eight.",
    "Sorry for the late answer, I was in Lisbon with very little time at the desk.",
    "Your comment on the interface makes sense, but I'd rather keep the old names for one release.",
    "With kind regards to everybody in the office, and see you at the meeting.",
    "The patch applies cleanly, and the tests pass on both of the boards that I have here.",
    "What do you think of meeting at Anna's on Saturday evening; she asked about it twice.",
    "The second paragraph should say that the warranty covers the parts but not the labour.",
    "I have put the photographs of the site on the server, in the folder with the date of yesterday.",
    "There is a room for twelve people on the second floor that is free the whole afternoon.",
    "If the function returns early here, the lock is never released, or do I misread it?",
    "The invoice of March was paid on the 4th of April, reference 20260404-1179.",
    "Nobody has complained about the new opening hours so far, which I take for a good sign.",
    "Let us wait for the answer of the architect before we ask the neighbours.",
    "In the long run it will be cheaper to buy the licence than to rent it by the month.",
    "Could we get the documentation into the same repository, so that both are released together?",
    "I had to restart the service at noon; since then the queue has been empty.",
];

/// What shops write.
const OFFERS: [&str; 12] = [
    "A good thing for the house, in three colours and two sizes.",
    "Warm, light and easily washed: our jacket for the cold months.",
    "The set of six glasses that you have seen in the window of our shop.",
    "Made in small numbers by hand, each a little different from the other.",
    "Now with free delivery in the whole country, and thirty days to return it.",
    "The book of the month, chosen by our readers in the north.",
    "For the kitchen: sharp, balanced, and it may go into the dishwasher.",
    "Reading lamp with a switch in the cable, without the bulb.",
    "New in the outlet, as long as stocks last.",
    "Organic cotton, knitted in Portugal, cut a little wider than last year.",
    "The classic among our bags, with room for a laptop of 15 inches.",
    "Members collect double points on this until Sunday.",
];

/// What nobody asked for.
const LURES: [&str; 12] = [
    "CONGRATULATIONS!!! Your email address has won the sum of $850,000.00 in our online lottery.",
    "I am the personal attorney of a late client who left a deposit of USD 18.5 million in our bank.",
    "Act now: this limited time offer expires tonight, no obligation and no credit check.",
    "Lose up to 30 pounds in 30 days, 100% natural and guaranteed, doctors are amazed!",
    "Please reply with your full name, address, telephone number and bank account for the transfer.",
    "Your account will be suspended unless you verify your password within 24 hours.",
    "Buy cheap meds online, no prescription needed, discreet worldwide shipping.",
    "Earn $5,000 a week from home, no experience required, be your own boss.",
    "The fund shall be shared 40% for you and 60% for me, this transaction is risk free.",
    "Click here to claim your free gift card before somebody else does.",
    "This is not spam, you receive this message since you opted in with one of our partners.",
    "Hot stock alert: this company is about to explode, buy before Monday morning.",
];

/// Numbers that look like chance, and are the same each time (Knuth's constants).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }

    /// So many characters as ids have them.
    pub(crate) fn id(&mut self, length: usize) -> String {
        const OF: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
        (0..length).map(|_| char::from(OF[self.below(36)])).collect()
    }

    /// Paragraphs of a letter, of `bytes` or a little more.
    pub(crate) fn letter(&mut self, bytes: usize) -> String {
        self.prose(&LETTERS, bytes, 76)
    }

    /// The same as spam has them, of the `number`th few.
    pub(crate) fn lure(&mut self, number: usize, bytes: usize) -> String {
        let few = number * 2 % (LURES.len() - 3);
        self.prose(&LURES[few..few + 4], bytes, 76)
    }

    pub(crate) fn offer(&mut self) -> &'static str {
        OFFERS[self.below(OFFERS.len())]
    }

    fn prose(&mut self, of: &[&str], bytes: usize, width: usize) -> String {
        let mut text = String::new();
        while text.len() < bytes {
            let (mut column, sentences) = (0, 2 + self.below(4));
            for word in (0..sentences).flat_map(|_| of[self.below(of.len())].split(' ')) {
                let break_at = column + word.len() + 1 > width;
                if column > 0 {
                    text.push_str(if break_at { "\r\n" } else { " " });
                }
                column = if break_at { word.len() } else { column + word.len() + 1 };
                text.push_str(word);
            }
            text.push_str("\r\n\r\n");
        }
        text
    }
}
