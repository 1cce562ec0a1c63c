/* Help and manual pages, from the same tables as the parsing of options. */
#include "cli/cli.h"

static void option_text(Buf *b, const CliOption *o) {
    if (o->letter) buf_printf(b, "-%c, ", o->letter);
    else buf_z(b, "    ");
    buf_printf(b, "--%s", o->name);
    if (o->arg != NULL) buf_printf(b, " %s", o->arg);
}

static void options_help(Buf *out, const CliOption *options) {
    for (const CliOption *o = options; o->name != NULL; o++) {
        Buf b = BUF_INIT;
        option_text(&b, o);
        buf_printf(out, "  %-26s %s%s\n", b.p, o->help, o->many ? "; may be given several times" : "");
        buf_free(&b);
    }
}

void cli_help(Buf *out, const Verb *verb) {
    if (verb == NULL) {
        buf_z(out, "wfc checks, runs and shows workflows written in WF.\n\nusage: wfc VERB [OPTIONS] [ARGUMENTS]\n\n");
        for (const Verb *const *v = cli_verbs; *v != NULL; v++) buf_printf(out, "  %-12s %s\n", (*v)->name, (*v)->summary);
        buf_z(out, "\n`wfc VERB --help` says more of one. Exit codes: 0 fine, 1 findings or a failed run, 2 wrong usage, 3 an\n"
                   "internal or input/output error.\n");
        return;
    }
    buf_printf(out, "%s\n\nusage: wfc %s\n\n%s\n\noptions:\n", verb->summary, verb->usage, verb->about);
    options_help(out, verb->options);
    static const CliOption common[] = {{"help", 'h', NULL, false, "show this help"}, {"color", 0, "WHEN", false, "auto, always or never"}, {0}};
    options_help(out, common);
    if (verb->examples == NULL) return;
    buf_z(out, "\nexamples:\n");
    for (const CliExample *e = verb->examples; e->command != NULL; e++) buf_printf(out, "  %s\n      %s\n", e->command, e->what);
}

static void markdown_options(Buf *out, const CliOption *options) {
    if (options->name == NULL) return;
    buf_z(out, "\n| option | |\n| --- | --- |\n");
    for (const CliOption *o = options; o->name != NULL; o++) {
        Buf b = BUF_INIT;
        option_text(&b, o);
        buf_printf(out, "| `%s` | %s%s |\n", b.p + strspn(b.p, " "), o->help, o->many ? "; may be given several times" : "");
        buf_free(&b);
    }
}

void cli_markdown(Buf *out) {
    buf_z(out, "# The command line\n\nWritten by `wfc help --markdown`. `wfc VERB --help` prints the same; `--color auto|always|never` belongs to every\n"
               "verb. Exit codes: 0 fine, 1 findings or a failed run, 2 wrong usage, 3 an internal or input/output error.\n");
    for (const Verb *const *v = cli_verbs; *v != NULL; v++) {
        buf_printf(out, "\n## wfc %s\n\nIt %s.\n\n    wfc %s\n\n%s\n", (*v)->name, (*v)->summary, (*v)->usage, (*v)->about);
        markdown_options(out, (*v)->options);
        if ((*v)->examples == NULL) continue;
        buf_z(out, "\n");
        for (const CliExample *e = (*v)->examples; e->command != NULL; e++) buf_printf(out, "    %s    # %s\n", e->command, e->what);
    }
}

/* Text for man(7): backslashes and leading dots are escaped. */
static void man_text(Buf *out, const char *z) {
    for (bool start = true; *z; z++) {
        if (start && (*z == '.' || *z == '\'')) buf_z(out, "\\&");
        if (*z == '\\') buf_z(out, "\\e");
        else if (*z == '-') buf_z(out, "\\-");
        else buf_addc(out, *z);
        start = *z == '\n';
    }
}

static void man_options(Buf *out, const CliOption *options) {
    for (const CliOption *o = options; o->name != NULL; o++) {
        buf_z(out, ".TP\n.B ");
        Buf b = BUF_INIT;
        option_text(&b, o);
        man_text(out, b.p + strspn(b.p, " "));
        buf_free(&b);
        buf_addc(out, '\n');
        man_text(out, o->help);
        buf_addc(out, '\n');
    }
}

void cli_man(Buf *out, const Verb *verb) {
    if (verb == NULL) {
        buf_z(out, ".TH WFC 1 \"\" \"wfc " WFC_VERSION "\"\n.SH NAME\nwfc \\- checks, runs and shows workflows written in WF\n.SH SYNOPSIS\n"
                   ".B wfc\n.I VERB\n[\\fIOPTIONS\\fR] [\\fIARGUMENTS\\fR]\n.SH VERBS\n");
        for (const Verb *const *v = cli_verbs; *v != NULL; v++) {
            buf_printf(out, ".TP\n.BR wfc\\-%s (1)\n", (*v)->name);
            man_text(out, (*v)->summary);
            buf_addc(out, '\n');
        }
        buf_z(out, ".SH EXIT STATUS\n0 fine, 1 findings or a failed run, 2 wrong usage, 3 an internal or input/output error.\n");
        return;
    }
    buf_z(out, ".TH WFC\\-");
    for (const char *p = verb->name; *p; p++) buf_addc(out, *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p);
    buf_printf(out, " 1 \"\" \"wfc " WFC_VERSION "\"\n.SH NAME\nwfc\\-%s \\- ", verb->name);
    man_text(out, verb->summary);
    buf_z(out, "\n.SH SYNOPSIS\n.B wfc ");
    man_text(out, verb->usage);
    buf_z(out, "\n.SH DESCRIPTION\n");
    man_text(out, verb->about);
    buf_z(out, "\n.SH OPTIONS\n");
    man_options(out, verb->options);
    if (verb->examples != NULL) {
        buf_z(out, ".SH EXAMPLES\n");
        for (const CliExample *e = verb->examples; e->command != NULL; e++) {
            buf_z(out, ".TP\n.B ");
            man_text(out, e->command);
            buf_addc(out, '\n');
            man_text(out, e->what);
            buf_addc(out, '\n');
        }
    }
}
