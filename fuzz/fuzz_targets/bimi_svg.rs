//! Any document is looked at within bounds, and no script gets through.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tidegate_checks::trust::bimi::svg::inspect;

fuzz_target!(|document: &[u8]| {
    if let Ok(title) = inspect(document) {
        assert!(!title.is_empty());
        let text = String::from_utf8_lossy(document).to_ascii_lowercase();
        let is_unread = ["<!--", "<![cdata[", "<?"].iter().any(|begin| text.contains(begin));
        assert!(!text.contains("<script>") || is_unread);
    }
});
