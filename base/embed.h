/* Files that are part of the binary, written by scripts/embed.py. */
#ifndef WF_BASE_EMBED_H
#define WF_BASE_EMBED_H

#include <stddef.h>

typedef struct EmbeddedFile {
    const char *path; /* relative; NULL ends the array */
    const char *text; /* NUL-terminated */
    size_t size;      /* without the NUL */
} EmbeddedFile;

#endif
