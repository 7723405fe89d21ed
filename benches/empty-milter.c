/* The least that a filter on libmilter can be: every callback, and nothing in any of them. */
#include <libmilter/mfapi.h>
#include <stdio.h>

static sfsistat on_connect(SMFICTX *c, char *h, _SOCK_ADDR *a) { (void)c; (void)h; (void)a; return SMFIS_CONTINUE; }
static sfsistat on_text(SMFICTX *c, char *t) { (void)c; (void)t; return SMFIS_CONTINUE; }
static sfsistat on_args(SMFICTX *c, char **v) { (void)c; (void)v; return SMFIS_CONTINUE; }
static sfsistat on_header(SMFICTX *c, char *n, char *v) { (void)c; (void)n; (void)v; return SMFIS_CONTINUE; }
static sfsistat on_body(SMFICTX *c, unsigned char *b, size_t n) { (void)c; (void)b; (void)n; return SMFIS_CONTINUE; }
static sfsistat on_end(SMFICTX *c) { (void)c; return SMFIS_CONTINUE; }

int main(int count, char **words)
{
	struct smfiDesc filter = {
		.xxfi_name = "empty", .xxfi_version = SMFI_VERSION,
		.xxfi_connect = on_connect, .xxfi_helo = on_text, .xxfi_envfrom = on_args, .xxfi_envrcpt = on_args,
		.xxfi_header = on_header, .xxfi_eoh = on_end, .xxfi_body = on_body, .xxfi_eom = on_end,
		.xxfi_abort = on_end, .xxfi_close = on_end, .xxfi_data = on_end,
	};
	if (count != 2 || smfi_setconn(words[1]) == MI_FAILURE || smfi_register(filter) == MI_FAILURE) {
		fprintf(stderr, "usage: empty-milter inet:PORT@HOST\n");
		return 2;
	}
	return smfi_main();
}
