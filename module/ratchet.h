/* ratchet.h - the highest serial that was taken of each key, in a file that outlives a reload and a restart:
 *
 *     sinkhole-serials 1
 *     21fe31dfa154a261 43
 *
 * Of each key, so that whoever has stolen one, and signed the highest serial that there is, does not lock out the key
 * that follows it. Knows no Unbound header. */
#ifndef MODULE_RATCHET_H
#define MODULE_RATCHET_H

#include "sinkhole/sign.h"

#define RATCHET_MAX 64 /* keys; the one that was added first makes room for another */

struct ratchet {
	unsigned count;
	struct {
		char key[SINK_KEY_TEXT];
		uint64_t serial;
	} row[RATCHET_MAX];
};

/* Read the file, strictly.
 *
 * out      empty, unless SINK_OK is returned
 * returns  SINK_OK, also when there is no such file yet; SINK_ECORRUPT; SINK_EIO
 */
int ratchet_read(const char *path, struct sink_why *why, struct ratchet *out);

/* The highest of a key; 0: none. */
uint64_t ratchet_of(const struct ratchet *ratchet, const char *key);

/* Take note of a serial.
 *
 * returns  false if that is nothing new: a higher one is there, or the same
 */
bool ratchet_raise(struct ratchet *ratchet, const char *key, uint64_t serial);

/* Write the file, in the place of the last one and at once, and make it durable.
 *
 * returns  SINK_OK; SINK_EIO (the file is then as before)
 */
int ratchet_write(const struct ratchet *ratchet, const char *path, struct sink_why *why);

#endif
