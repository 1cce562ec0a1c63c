/* Pieces of container templates. All write at the place where the YAML stands. */
#ifndef WF_BACKEND_ARGO_LEAF_H
#define WF_BACKEND_ARGO_LEAF_H

#include "compiler/backend/argo/argo.h"

/* An input parameter without a default. */
void leaf_parameter(Argo *g, const char *name);
/* {name, value}: a variable, an argument. */
void leaf_pair(Argo *g, const char *name, const char *value);
/* How an artifact is stored: as it is, under that key. */
void leaf_stored(Argo *g, const char *key);
/* An artifact that is stored and fetched as it is, under a key of ours. */
void leaf_artifact(Argo *g, const char *name, const char *path, const char *key);
/* The file of values: `lines` with the parameters' tags in it. */
void leaf_values(Argo *g, const char *lines);
/* The command that runs the shim. */
void leaf_command(Argo *g, const char *mode, const char *name);
/* An output parameter from a file that the shim writes. */
void leaf_out(Argo *g, const char *name, const char *path);
/* Opens the map `key` and in it the list `inner`; closes both. */
void leaf_open(Argo *g, const char *key, const char *inner);
void leaf_close(Argo *g);
/* Opens the container of a template that runs the shim; in a document of another file with its scripts and image. */
void leaf_container(Argo *g);
/* The artifact with the record of a failure, where such are needed. */
void leaf_failure(Argo *g, const char *name);
/* What a container that gives the outputs of a step leaves: their value, their files, the record of a failure. */
void leaf_outputs(Argo *g, const ArgoLeaf *l);

#endif
