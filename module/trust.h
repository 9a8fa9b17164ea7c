/* trust.h - whether a manifest may be taken: by its signatures, if there is a file of public keys, and by the serials that
 * were taken before, also by processes before this one. Knows no Unbound header; used by the watch's thread, or before it
 * runs. */
#ifndef MODULE_TRUST_H
#define MODULE_TRUST_H

#include "mail.h"
#include "sinkhole/sign.h"

struct trust;

/* keys     the file of public keys. Where it is not there, and never was, everything may be taken
 * named    somebody chose that file, so that it must be there
 * run      the directory for a file of serials; made if it can be. Needed with a key only; all three are copied
 * mail     gets a line when other keys count, and when serials cannot be kept; outlives it
 * out      for trust_free()
 * returns  SINK_OK; SINK_ENOMEM
 */
int trust_new(const char *keys, bool named, const char *run, struct mail *mail, struct trust **out);

/* NULL is fine. */
void trust_free(struct trust *trust);

/* Look at the file of keys: is it another than at the last look? What was refused may be taken now.
 *
 * cost     a system call
 */
bool trust_changed(struct trust *trust);

/* May it be taken? A file of keys that cannot be read is none that is not there: then nothing may.
 *
 * returns  SINK_OK; SINK_EUNSIGNED, SINK_ECORRUPT (its signatures, see sink_keys_check(); or the file of keys); SINK_EOLD (a
 *          higher serial of that key was taken); SINK_EIO; SINK_ENOMEM
 */
int trust_check(struct trust *trust, const struct sink_manifest *manifest, struct sink_why *why);

/* It was checked, and is in use: remember its serial.
 *
 * cost     writes a file, and waits for the disk, if the serial is higher than the last one
 */
void trust_keep(struct trust *trust, const struct sink_manifest *manifest);

/* The highest serial that was taken of a key that counts; 0: none is known. */
uint64_t trust_highest(struct trust *trust);

#endif
