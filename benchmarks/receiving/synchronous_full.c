/* Lets Orthanc's SQLite flush its log at every commit, so that its rows outlive a power cut too.
 *
 * Orthanc says "PRAGMA SYNCHRONOUS=NORMAL;" when it opens its index, and has no setting for it.
 * Loaded by LD_PRELOAD, this says FULL in its place; everything else goes through unchanged.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

typedef int (*execute)(void *, const char *, int (*)(void *, int, char **, char **), void *, char **);

int sqlite3_exec(void *database, const char *text, int (*each)(void *, int, char **, char **),
                 void *given, char **fault) {
    execute original = (execute)dlsym(RTLD_NEXT, "sqlite3_exec");
    if (text != NULL && strstr(text, "SYNCHRONOUS=NORMAL") != NULL)
        text = "PRAGMA SYNCHRONOUS=FULL;";
    return original(database, text, each, given, fault);
}
