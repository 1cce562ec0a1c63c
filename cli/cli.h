/* The command line: verbs, their options, help. The only part that prints and decides exit codes. */
#ifndef WF_CLI_CLI_H
#define WF_CLI_CLI_H

#include "base/vec.h"
#include "base/str.h"

enum { EXIT_FINE = 0, EXIT_FINDINGS = 1, EXIT_USAGE = 2, EXIT_INTERNAL = 3 };

/* One option of a verb. `arg` names its value in help, NULL for a switch. An option may be given several times when `many`. */
typedef struct CliOption {
    const char *name; /* "param", given as --param */
    char letter;      /* 'p', given as -p; 0: none */
    const char *arg;
    bool many;
    const char *help;
} CliOption;

typedef struct CliExample {
    const char *command, *what;
} CliExample;

struct Cli;
typedef struct Verb {
    const char *name;
    const char *usage;   /* "check FILE..." */
    const char *summary; /* one line */
    const char *about;   /* paragraphs for --help and the manual */
    const CliOption *options; /* ended by a row without a name */
    const CliExample *examples;
    int (*run)(struct Cli *cli);
} Verb;

extern const Verb *const cli_verbs[]; /* ended by NULL */

/* A parsed command line. Values are borrowed from argv. */
typedef struct CliValue {
    const CliOption *option;
    const char *value; /* NULL of a switch */
} CliValue;
typedef struct Cli {
    const Verb *verb;
    VEC(CliValue) values;
    VEC(const char *) args;  /* what is no option */
    int after_dashes;        /* index in args of the first after `--`, or -1 */
    bool color_out, color_err;
    bool tty_out, tty_err;
} Cli;

/* The last value of an option, "" of a switch that was given, else NULL. */
const char *cli_option(const Cli *cli, const char *name);
bool cli_has(const Cli *cli, const char *name);
/* Prints `wfc VERB: ...` and how to get help to stderr; returns EXIT_USAGE. */
int cli_usage(const Cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints an error to stderr; returns `code`. */
int cli_error(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Writes all of the text to stdout; false when that failed. */
bool cli_out(Str text);

extern const Verb verb_check, verb_compile, verb_targets, verb_dump, verb_explain, verb_help, verb_run, verb_show, verb_runs, verb_logs, verb_artifacts, verb_step, verb_man;

/* Help of all verbs, or of one. */
void cli_help(Buf *out, const Verb *verb);
/* The page docs/cli.md: help of all verbs in Markdown. */
void cli_markdown(Buf *out);
/* The manual page of all verbs, or of one, in man(7) format. */
void cli_man(Buf *out, const Verb *verb);

#endif
