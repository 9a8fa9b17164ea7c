/* match.h - which rules an entry satisfies, as far as that depends on the entry: its texts, severity, TLP and
 * confidence. */
#ifndef SINK_MATCH_H
#define SINK_MATCH_H

#include "sets.h"

struct match;

/* policy   borrowed until match_free()
 * returns  SINK_OK; SINK_ENOMEM
 * cost     a look at each text of each rule
 */
int match_new(const struct sink_policy *policy, struct match **out);

/* The rules that a record's content satisfies; bare ones are not among them.
 *
 * out      as many words as the policy's rules need
 * cost     for each field that a rule asks for, one hash and a pass over those words; for jurisdictions and
 *          tags as much for each that the record has
 */
void match_record(const struct match *match, const struct sink_record *record, uint64_t *out);

/* NULL is fine. */
void match_free(struct match *match);

#endif
