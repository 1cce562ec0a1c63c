/* How values lie in memory: shared by native code, the reference evaluator and the engine.

   Every type takes a whole number of 8-byte words:
     int duration size time enum (member's index)  one word, int64
     float                                         one word, double
     bool                                          one word, 0 or 1
     string json                                   pointer to RtText
     secret                                        pointer to RtText: the secret's name; its value is fetched when a process
                                                   that gets it starts, and is never a value here
     file dir artifact                             pointer to RtFile
     [T]                                           pointer to RtList
     [string: T]                                   pointer to RtMap
     T? where T is a pointer                       the pointer, NULL for none
     T? otherwise                                  the words of T, then one word: 1 if there is a value, else 0 and all zero
     struct, record                                the words of the fields in order (struct: declared; record: by name)
   Objects are immutable and counted. A count of 0 marks scratch: made by an expression, released together when the outermost
   evaluation ends (rt_scratch_reset); RT_STATIC marks constants. rt_keep turns scratch into counted objects. */
#ifndef WF_RUNTIME_ABI_RT_VALUE_H
#define WF_RUNTIME_ABI_RT_VALUE_H

#include "base/str.h"

typedef union RtWord {
    int64_t i;
    double f;
    void *p;
} RtWord;

#define RT_STATIC UINT32_MAX

typedef struct RtObj {
    uint32_t rc;
    uint32_t reserved;
} RtObj;

typedef struct RtText {
    RtObj obj;
    uint64_t n;  /* bytes */
    char s[];    /* NUL-terminated */
} RtText;

typedef struct RtList {
    RtObj obj;
    uint64_t n; /* elements */
    RtWord at[]; /* n * words of the element type */
} RtList;

/* Entries sorted by key (byte order), each the key and then the words of the value. */
typedef struct RtMap {
    RtObj obj;
    uint64_t n;
    RtWord at[]; /* n * (1 + words) */
} RtMap;

/* A stored file or directory. */
typedef struct RtFile {
    RtObj obj;
    bool is_dir;
    char sha256[65];
    uint64_t size;       /* bytes; of a dir: of all its files */
    int64_t rows;        /* of a table, else -1 */
    RtText *name;        /* "train.csv" */
    RtText *format;      /* "csv", or "" */
    RtText *columns;     /* JSON: [["a","int"],...] as found in the file, or NULL when not known */
} RtFile;

typedef enum RtKind {
    RT_NOTHING, RT_BOOL, RT_INT, RT_FLOAT, RT_STRING, RT_DURATION, RT_SIZE, RT_TIME, RT_JSON, RT_SECRET,
    RT_FILE, /* also artifacts of files */
    RT_DIR,
    RT_ENUM, RT_STRUCT, /* also records */
    RT_LIST, RT_MAP, RT_OPT
} RtKind;

typedef struct RtField {
    const char *name;
    const char *foreign; /* name in JSON and files */
    uint32_t type;
    uint32_t offset;     /* words from the start of the value; of an enum's member: unused */
    const RtWord *fallback; /* the default of a struct's field, or NULL */
} RtField;

/* A type as the runtime sees it; ids index RtTypes.type and are the compiler's TypeIds. */
typedef struct RtType {
    uint8_t kind;      /* RtKind */
    bool pointer;      /* one word, a counted object or NULL */
    bool has_pointers; /* anywhere inside its words */
    bool has_file;
    uint32_t words;
    uint32_t inner;    /* of LIST, MAP, OPT */
    uint32_t first, n; /* fields of STRUCT, members of ENUM, columns of FILE */
    const char *name;  /* as a user writes it */
    const char *format; /* of FILE: "csv", or "" for any */
    const char *artifact; /* of FILE, DIR: the artifact's name, or NULL */
} RtType;

typedef struct RtTypes {
    const RtType *type;
    const RtField *field;
    uint32_t n;
} RtTypes;

#endif
