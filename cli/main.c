/* The entry: finds the verb, reads its options, runs it. */
#include "cli/cli.h"

#include "base/io.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const Verb *const cli_verbs[] = {&verb_check, &verb_compile, &verb_targets, &verb_run, &verb_step, &verb_show, &verb_runs, &verb_logs, &verb_artifacts, &verb_explain, &verb_dump, &verb_man, &verb_help, NULL};

const char *cli_option(const Cli *cli, const char *name) {
    for (uint32_t i = cli->values.len; i-- > 0;)
        if (strcmp(cli->values.data[i].option->name, name) == 0) return cli->values.data[i].value ? cli->values.data[i].value : "";
    return NULL;
}

bool cli_has(const Cli *cli, const char *name) { return cli_option(cli, name) != NULL; }

int cli_error(int code, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fputs("wfc: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return code;
}

int cli_usage(const Cli *cli, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "wfc %s: ", cli->verb->name);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\nusage: wfc %s\n`wfc %s --help` says more\n", cli->verb->usage, cli->verb->name);
    va_end(ap);
    return EXIT_USAGE;
}

bool cli_out(Str text) {
    fflush(stdout);
    int e = io_write_all(STDOUT_FILENO, text);
    if (e == 0 || e == EPIPE) return true; /* a reader that has seen enough is no error */
    cli_error(0, "cannot write the output: %s", strerror(e));
    return false;
}

static const CliOption common[] = {
    {"help", 'h', NULL, false, "show this help"},
    {"color", 0, "WHEN", false, "colours: auto, always or never"},
    {0},
};

static const CliOption *find_option(const Verb *v, Str name, char letter) {
    const CliOption *lists[] = {v->options, common};
    for (size_t k = 0; k < 2; k++)
        for (const CliOption *o = lists[k]; o->name != NULL; o++)
            if (letter ? o->letter == letter : str_is(name, o->name)) return o;
    return NULL;
}

static int unknown_option(const Cli *cli, const char *arg, Str name) {
    const char *best = NULL;
    unsigned distance = 3;
    const CliOption *lists[] = {cli->verb->options, common};
    for (size_t k = 0; k < 2; k++)
        for (const CliOption *o = lists[k]; o->name != NULL; o++) {
            unsigned d = edit_distance(name, str_of(o->name), 2);
            if (d < distance) {
                distance = d;
                best = o->name;
            }
        }
    if (best != NULL) return cli_usage(cli, "unknown option `%s`; did you mean `--%s`?", arg, best);
    return cli_usage(cli, "unknown option `%s`", arg);
}

/* Options may stand anywhere before `--`. */
static int parse(Cli *cli, int argc, char **argv) {
    cli->after_dashes = -1;
    for (int i = 0; i < argc; i++) {
        char *a = argv[i];
        if (cli->after_dashes >= 0 || a[0] != '-' || a[1] == '\0') {
            vec_push(&cli->args, a);
            continue;
        }
        if (strcmp(a, "--") == 0) {
            cli->after_dashes = (int)cli->args.len;
            continue;
        }
        bool is_long = a[1] == '-';
        Str name = is_long ? str_of(a + 2) : STR("");
        char *eq = is_long ? strchr(a, '=') : NULL;
        if (eq != NULL) name.n = (size_t)(eq - a - 2);
        const CliOption *o = find_option(cli->verb, name, is_long ? 0 : a[1]);
        if (o == NULL) return unknown_option(cli, a, name);
        const char *value = NULL;
        if (o->arg == NULL) {
            if (eq != NULL || (!is_long && a[2] != '\0')) return cli_usage(cli, "option `--%s` takes no value", o->name);
        } else if (eq != NULL) {
            value = eq + 1;
        } else if (!is_long && a[2] != '\0') {
            value = a + 2;
        } else if (i + 1 < argc) {
            value = argv[++i];
        } else {
            return cli_usage(cli, "option `--%s` needs a value: %s", o->name, o->arg);
        }
        vec_push(&cli->values, ((CliValue){o, value}));
    }
    return 0;
}

static int set_colors(Cli *cli) {
    const char *when = cli_option(cli, "color");
    cli->tty_out = isatty(STDOUT_FILENO);
    cli->tty_err = isatty(STDERR_FILENO);
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    bool may = (no == NULL || no[0] == '\0') && (term == NULL || strcmp(term, "dumb") != 0);
    cli->color_out = cli->tty_out && may;
    cli->color_err = cli->tty_err && may;
    if (when == NULL || strcmp(when, "auto") == 0) return 0;
    if (strcmp(when, "always") != 0 && strcmp(when, "never") != 0) return cli_usage(cli, "--color is auto, always or never, not `%s`", when);
    cli->color_out = cli->color_err = strcmp(when, "always") == 0;
    return 0;
}

static int unknown_verb(const char *name) {
    const char *best = NULL;
    unsigned distance = 3;
    for (const Verb *const *v = cli_verbs; *v != NULL; v++) {
        unsigned d = edit_distance(str_of(name), str_of((*v)->name), 2);
        if (d < distance) {
            distance = d;
            best = (*v)->name;
        }
    }
    if (best != NULL) cli_error(0, "there is no `wfc %s`; did you mean `wfc %s`?", name, best);
    else cli_error(0, "there is no `wfc %s`; `wfc --help` lists what there is", name);
    return EXIT_USAGE;
}

static int print_help(const Verb *verb) {
    Buf b = BUF_INIT;
    cli_help(&b, verb);
    bool ok = cli_out(buf_view(&b));
    buf_free(&b);
    return ok ? EXIT_FINE : EXIT_INTERNAL;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_help(NULL);
        return EXIT_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return print_help(NULL);
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) return cli_out(STR("wfc " WFC_VERSION "\n")) ? EXIT_FINE : EXIT_INTERNAL;
    Cli cli = {0};
    for (const Verb *const *v = cli_verbs; *v != NULL; v++)
        if (strcmp((*v)->name, name) == 0) cli.verb = *v;
    if (cli.verb == NULL) return unknown_verb(name);
    int code = parse(&cli, argc - 2, argv + 2);
    if (code == 0) code = set_colors(&cli);
    if (code == 0) code = cli_has(&cli, "help") ? print_help(cli.verb) : cli.verb->run(&cli);
    vec_free(&cli.values);
    vec_free(&cli.args);
    return code;
}
