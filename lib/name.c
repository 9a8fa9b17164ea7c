/* name.c - domain names: from text and wire to key form and back.
 *
 * Text and keys become wire form first, so that one function knows the order of labels and one the
 * escapes. Nothing here asks the locale. */
#include "sinkhole/name.h"

#include "sinkhole/err.h"

#define WIRE_LAST (SINK_WIRE_MAX - 1) /* where the root label of the longest name stands */

/* Where the labels of a wire-form name begin, at their length octets. */
struct labels {
	unsigned count;
	uint8_t start[SINK_LABELS_MAX];
};

/* ASCII letters only, whatever the locale. */
static inline uint8_t lower(uint8_t octet)
{
	return (unsigned)octet - 'A' < 26 ? octet | 0x20 : octet;
}

/* Write a label's key bytes; see name.h for the escapes. */
static inline uint8_t *put_label(uint8_t *to, const uint8_t *octets, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint8_t octet = lower(octets[i]);

		if (octet > 1) {
			*to++ = octet;
			continue;
		}
		*to++ = 1;
		*to++ = octet + 1;
	}
	*to++ = 0;
	return to;
}

static void fill(const uint8_t *wire, const struct labels *labels, struct sink_name *out)
{
	uint8_t *to = out->key;

	out->end[0] = 0;
	for (unsigned n = labels->count; n > 0; n--) {
		const uint8_t *label = wire + labels->start[n - 1];

		to = put_label(to, label + 1, *label);
		out->end[labels->count - n + 1] = (uint16_t)(to - out->key);
	}
	out->labels = (uint8_t)labels->count;
	out->len = out->end[labels->count];
}

/* Lengths that fit WIRE_LAST cannot be more than SINK_LABELS_MAX labels. */
static int find_labels(struct sink_span wire, struct labels *out)
{
	size_t at = 0;

	out->count = 0;
	for (;;) {
		if (at >= wire.len)
			return SINK_ESYNTAX;
		if (wire.at[at] == 0)
			return SINK_OK;
		if (wire.at[at] > SINK_LABEL_MAX)
			return SINK_ESYNTAX;
		if (at + 1 + wire.at[at] > WIRE_LAST)
			return SINK_ETOOLONG;
		out->start[out->count++] = (uint8_t)at;
		at += 1u + wire.at[at];
	}
}

int sink_name_from_wire(struct sink_span wire, struct sink_name *out)
{
	struct labels labels;
	int err = find_labels(wire, &labels);

	if (!err)
		fill(wire.at, &labels, out);
	return err;
}

/* A name in wire form that grows by octets and labels. */
struct wire_name {
	struct labels labels;
	unsigned head; /* of the open label */
	unsigned end; /* where the next octet goes */
	uint8_t octets[SINK_WIRE_MAX];
};

static void open_label(struct wire_name *name)
{
	name->head = name->end++;
}

static inline int add_octet(struct wire_name *name, uint8_t octet)
{
	if (name->end >= WIRE_LAST || name->end - name->head > SINK_LABEL_MAX)
		return SINK_ETOOLONG;
	name->octets[name->end++] = octet;
	return SINK_OK;
}

/* The open label is not empty. */
static void close_label(struct wire_name *name)
{
	name->octets[name->head] = (uint8_t)(name->end - name->head - 1);
	name->labels.start[name->labels.count++] = (uint8_t)name->head;
}

static bool is_open_label_empty(const struct wire_name *name)
{
	return name->end == name->head + 1;
}

static inline bool is_digit(uint8_t octet)
{
	return (unsigned)octet - '0' < 10;
}

/* What follows a backslash: \DDD or \X.
 *
 * used     octets of `rest` that belong to it
 * returns  the octet meant; negative: SINK_ESYNTAX
 */
static int unescape(struct sink_span rest, size_t *used)
{
	int octet;

	if (rest.len == 0)
		return SINK_ESYNTAX;
	*used = 1;
	if (!is_digit(rest.at[0]))
		return rest.at[0];
	if (rest.len < 3 || !is_digit(rest.at[1]) || !is_digit(rest.at[2]))
		return SINK_ESYNTAX;
	*used = 3;
	octet = (rest.at[0] - '0') * 100 + (rest.at[1] - '0') * 10 + (rest.at[2] - '0');
	return octet > 255 ? SINK_ESYNTAX : octet;
}

static int add_escape(struct wire_name *name, struct sink_span rest, size_t *used)
{
	int octet = unescape(rest, used);

	return octet < 0 ? octet : add_octet(name, (uint8_t)octet);
}

/* Labels and dots; not the root. */
static int parse_text(struct sink_span text, struct wire_name *name)
{
	size_t used;
	int err;

	open_label(name);
	for (size_t i = 0; i < text.len; i++) {
		if (text.at[i] == '\\') {
			err = add_escape(name, sink_span(text.at + i + 1, text.len - i - 1), &used);
			if (err)
				return err;
			i += used;
		} else if (text.at[i] != '.') {
			err = add_octet(name, text.at[i]);
			if (err)
				return err;
		} else if (is_open_label_empty(name)) {
			return SINK_ESYNTAX;
		} else if (i + 1 < text.len) {
			close_label(name);
			open_label(name);
		}
	}
	if (is_open_label_empty(name))
		return SINK_ESYNTAX;
	close_label(name);
	return SINK_OK;
}

int sink_name_from_text(struct sink_span text, struct sink_name *out)
{
	struct wire_name name;
	int err;

	name.labels.count = 0;
	name.end = 0;
	if (text.len != 1 || text.at[0] != '.') {
		err = parse_text(text, &name);
		if (err)
			return err;
	}
	fill(name.octets, &name.labels, out);
	return SINK_OK;
}

/* Is this octet one that stands in a key for itself? */
static inline bool is_plain(uint8_t octet)
{
	return octet > 1 && octet == lower(octet);
}

/* Check a key's labels and note where they end; `octets` counts those of the wire form. */
int sink_name_from_key(struct sink_span key, struct sink_name *out)
{
	uint16_t end[SINK_LABELS_MAX + 1] = { 0 };
	unsigned labels = 0, octets = 1;
	size_t at = 0;

	if (key.len > SINK_KEY_MAX)
		return SINK_ECORRUPT;
	while (at < key.len) {
		unsigned len = 0;

		for (; at < key.len && key.at[at] != 0; at++, len++) {
			if (is_plain(key.at[at]))
				continue;
			if (key.at[at] != 1 || at + 1 >= key.len || key.at[at + 1] - 1u > 1)
				return SINK_ECORRUPT;
			at++;
		}
		octets += len + 1;
		if (at >= key.len || len == 0 || len > SINK_LABEL_MAX || octets > SINK_WIRE_MAX)
			return SINK_ECORRUPT;
		end[++labels] = (uint16_t)++at;
	}
	out->len = (uint16_t)key.len;
	out->labels = (uint8_t)labels;
	memcpy(out->end, end, sizeof end);
	if (key.len > 0)
		memcpy(out->key, key.at, key.len);
	return SINK_OK;
}

/* Undo the escapes of label `n`, counted from the root, from 1.
 *
 * returns  the number of octets
 */
static size_t get_label(const struct sink_name *name, unsigned n, uint8_t out[SINK_LABEL_MAX])
{
	size_t len = 0;

	for (unsigned at = name->end[n - 1]; name->key[at] != 0; at++) {
		if (name->key[at] > 1)
			out[len++] = name->key[at];
		else
			out[len++] = name->key[++at] - 1;
	}
	return len;
}

size_t sink_name_to_wire(const struct sink_name *name, uint8_t out[SINK_WIRE_MAX])
{
	uint8_t label[SINK_LABEL_MAX];
	size_t at = 0;

	for (unsigned n = name->labels; n > 0; n--) {
		size_t len = get_label(name, n, label);

		out[at++] = (uint8_t)len;
		memcpy(out + at, label, len);
		at += len;
	}
	out[at++] = 0;
	return at;
}

static char *put_octet(char *to, uint8_t octet)
{
	if (octet < 33 || octet > 126) {
		*to++ = '\\';
		*to++ = (char)('0' + octet / 100);
		*to++ = (char)('0' + octet / 10 % 10);
		*to++ = (char)('0' + octet % 10);
		return to;
	}
	if (octet == '.' || octet == '\\')
		*to++ = '\\';
	*to++ = (char)octet;
	return to;
}

char *sink_name_to_text(const struct sink_name *name, char out[SINK_TEXT_MAX])
{
	uint8_t label[SINK_LABEL_MAX];
	char *to = out;

	if (name->labels == 0)
		*to++ = '.';
	for (unsigned n = name->labels; n > 0; n--) {
		size_t len = get_label(name, n, label);

		for (size_t i = 0; i < len; i++)
			to = put_octet(to, label[i]);
		if (n > 1)
			*to++ = '.';
	}
	*to = '\0';
	return out;
}
