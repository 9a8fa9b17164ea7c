/* name.h - domain names in key form, from text and from wire, and back. */
#ifndef SINKHOLE_NAME_H
#define SINKHOLE_NAME_H

#include "sinkhole/span.h"

#define SINK_LABEL_MAX 63 /* octets; RFC 1035, 2.3.4 */
#define SINK_WIRE_MAX 255 /* octets of a name, length octets and root included; RFC 1035, 2.3.4 */
#define SINK_LABELS_MAX 127 /* one-octet labels that fit into SINK_WIRE_MAX */
#define SINK_KEY_MAX 504 /* four labels of 63, 63, 63, 61 octets, each octet escaped, and 4 ends */
#define SINK_TEXT_MAX 1024 /* every octet as \DDD, dots, and the NUL */

/* A domain name as the database orders it.
 *
 * Key form: labels from the root down, ASCII letters in lower case, each label ended by a zero
 * byte; the root is empty.
 *
 *     ads.Example.COM.   ->   c o m 0 e x a m p l e 0 a d s 0
 *
 * so the key of a domain is a byte prefix of the key of every name below it, and of nothing else.
 * A label may hold any octet (RFC 2181, 11): octet 0 becomes 1 1, octet 1 becomes 1 2, hence no two
 * names share a key and a zero byte always ends a label.
 *
 * end[n] is the length of the key of the ancestor with n labels: end[0] is 0, end[labels] is len.
 * Bytes of key[] after len, and end[] after labels, are unspecified. */
struct sink_name {
	uint16_t len; /* bytes of key in use */
	uint8_t labels; /* the root label not counted */
	uint16_t end[SINK_LABELS_MAX + 1];
	uint8_t key[SINK_KEY_MAX];
};

/* Read a name in presentation form (RFC 1035, 5.1): labels and dots, \DDD and \X escapes, the final
 * dot optional, "." the root. Octets above 127 are taken as they are: IDNA is the caller's business.
 *
 * text     need not end with NUL; white space is an octet like any other
 * out      written on SINK_OK only
 * returns  SINK_OK; SINK_ESYNTAX (empty text, empty label, broken escape); SINK_ETOOLONG
 * thread   any
 * cost     one pass; no allocation
 */
int sink_name_from_text(struct sink_span text, struct sink_name *out);

/* Read an uncompressed name in wire form (RFC 1035, 3.1).
 *
 * wire     may be longer than the name: what follows the root label is ignored
 * out      written on SINK_OK only
 * returns  SINK_OK; SINK_ESYNTAX (no root label within the span, a compression pointer or an
 *          extended label type); SINK_ETOOLONG
 * thread   any
 * cost     one pass; no allocation
 */
int sink_name_from_wire(struct sink_span wire, struct sink_name *out);

/* Read a key, strictly: what no name would produce is refused.
 *
 * returns  SINK_OK; SINK_ECORRUPT
 */
int sink_name_from_key(struct sink_span key, struct sink_name *out);

/* Write the wire form, in lower case.
 *
 * returns  the number of octets written, 1 to SINK_WIRE_MAX
 */
size_t sink_name_to_wire(const struct sink_name *name, uint8_t out[SINK_WIRE_MAX]);

/* Write the presentation form without a final dot ("." for the root), NUL-terminated, safe to print:
 * a dot or backslash inside a label as \X, octets outside 33..126 as \DDD.
 *
 * returns  out
 */
char *sink_name_to_text(const struct sink_name *name, char out[SINK_TEXT_MAX]);

/* The ancestor with `labels` labels (at most name->labels), in place. */
static inline void sink_name_cut(struct sink_name *name, uint8_t labels)
{
	name->labels = labels;
	name->len = name->end[labels];
}

static inline struct sink_span sink_name_key(const struct sink_name *name)
{
	return sink_span(name->key, name->len);
}

#endif
