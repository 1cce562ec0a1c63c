/* What a run prints while it runs: a live table on a terminal, else one line per change. */
#ifndef WF_CLI_PROGRESS_H
#define WF_CLI_PROGRESS_H

#include "cli/cli.h"
#include "runtime/sched/engine.h"

typedef struct Progress Progress;

/* Writes to stderr, so that results on stdout stay clean. `quiet` prints failures only; `follow` prints what steps print. */
Progress *progress_new(const Cli *cli, bool quiet, bool follow);
void progress_event(Progress *p, const EngineEvent *e);
/* Takes the live table off the screen. */
void progress_end(Progress *p);
void progress_free(Progress *p);

/* "850ms", "12.3s", "2m05s", "1h02m": for people. */
void put_elapsed(Buf *b, int64_t ms);

#endif
