/* caller.h - who runs this command, for the history. */
#ifndef TOOLS_CALLER_H
#define TOOLS_CALLER_H

#define CALLER_MAX 64 /* bytes with the NUL */

/* Who has typed it: root is whoever has become root by sudo. */
void caller_find(char out[CALLER_MAX]);

#endif
