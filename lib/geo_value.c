/* geo_value.c - a control byte and its size at a time; see geo_value.h for why. */
#include "geo_value.h"

/* As stored; above 7 the number is in a byte of its own. */
enum type {
	EXTENDED = 0,
	POINTER = 1,
	TEXT = 2,
	MAP = 7,
	ARRAY = 11,
	BOOLEAN = 14,
	TYPE_LAST = 15
};

/* How many bytes numbers have, by type; where only the most is given, leading zeros are left out. Types without a
 * row have any. */
static const struct {
	uint8_t least, most;
} sizes[] = {
	[3] = { 8, 8 }, /* double */
	[5] = { 0, 2 }, /* of 16 bits */
	[6] = { 0, 4 },
	[8] = { 0, 4 }, /* signed */
	[9] = { 0, 8 },
	[10] = { 0, 16 },
	[TYPE_LAST] = { 4, 4 }, /* float */
};

static bool is_good_size(unsigned type, uint32_t size)
{
	return sizes[type].most == 0 || (size >= sizes[type].least && size <= sizes[type].most);
}

struct value {
	unsigned type;
	uint32_t size; /* bytes; of maps and arrays: pairs and elements; of pointers: where to */
	uint64_t next; /* what follows; of maps and arrays: what is in them */
};

/* `len` bytes, at most 4, of a section.
 *
 * returns  false: they are not there
 */
static bool number_at(struct sink_span section, uint64_t at, unsigned len, uint32_t *out)
{
	uint32_t number = 0;

	if (at + len > section.len)
		return false;
	for (unsigned i = 0; i < len; i++)
		number = number << 8 | section.at[at + i];
	*out = number;
	return true;
}

static bool read_pointer(struct sink_span section, uint64_t at, uint32_t control, struct value *out)
{
	static const uint32_t above[] = { 0, 2048, 2048 + 524288, 0 };
	unsigned extra = control >> 3 & 3; /* bytes but one */
	uint32_t low;

	if (!number_at(section, at, extra + 1, &low))
		return false;
	out->size = low + above[extra];
	if (extra < 3)
		out->size += (control & 7) << (8 * (extra + 1));
	out->next = at + extra + 1;
	return true;
}

static bool read_size(struct sink_span section, uint64_t at, uint32_t control, struct value *out)
{
	static const uint32_t above[] = { 29, 285, 65821 };
	uint32_t low = 0;

	out->size = control & 31;
	out->next = at;
	if (out->size < 29)
		return true;
	out->next += out->size - 28;
	if (!number_at(section, at, out->size - 28, &low))
		return false;
	out->size = above[out->size - 29] + low;
	return true;
}

static bool read_value(struct sink_span section, uint64_t at, struct value *out)
{
	uint32_t control, extended;

	if (!number_at(section, at++, 1, &control))
		return false;
	out->type = control >> 5;
	if (out->type == POINTER)
		return read_pointer(section, at, control, out);
	if (out->type == EXTENDED) {
		if (!number_at(section, at++, 1, &extended) || extended > TYPE_LAST - 7)
			return false;
		out->type = 7 + extended;
	}
	if (!read_size(section, at, control, out))
		return false;
	if (out->type == MAP || out->type == ARRAY || out->type == BOOLEAN)
		return true;
	out->next += out->size;
	return out->next <= section.len && is_good_size(out->type, out->size);
}

/* A map or an array that is being gone through. */
struct level {
	unsigned type;
	uint64_t left; /* keys and values, or elements, still to come */
	uint64_t resume; /* what follows the pointer that led here; 0: none did */
};

struct walk {
	struct sink_span section;
	bool texts;
	uint64_t at;
	unsigned depth;
	struct level levels[GEO_VALUE_DEPTH]; /* the first holds nothing but the value itself */
};

static void leave_finished(struct walk *w)
{
	while (w->depth > 0 && w->levels[w->depth].left == 0) {
		if (w->levels[w->depth].resume)
			w->at = w->levels[w->depth].resume;
		w->depth--;
	}
}

static bool must_be_text(const struct walk *w)
{
	const struct level *level = &w->levels[w->depth];

	return level->type == MAP ? level->left % 2 == 0 : level->type == ARRAY && w->texts;
}

/* One value, and into it if it holds others. */
static bool step(struct walk *w)
{
	struct value value;
	uint64_t resume = 0;

	if (!read_value(w->section, w->at, &value))
		return false;
	if (value.type == POINTER) {
		resume = value.next;
		if (!read_value(w->section, value.size, &value) || value.type == POINTER)
			return false;
	}
	if (must_be_text(w) && value.type != TEXT)
		return false;
	w->levels[w->depth].left--;
	if (value.type != MAP && value.type != ARRAY) {
		w->at = resume ? resume : value.next;
		return true;
	}
	if (w->depth + 1 == GEO_VALUE_DEPTH)
		return false;
	w->levels[++w->depth] = (struct level){
		.type = value.type,
		.left = value.type == MAP ? 2 * (uint64_t)value.size : value.size,
		.resume = resume,
	};
	w->at = value.next;
	return true;
}

bool geo_value_check(struct sink_span section, uint32_t at, bool texts, uint64_t *budget)
{
	struct walk w = { .section = section, .texts = texts, .at = at };

	w.levels[0].left = 1;
	for (unsigned parts = 0; *budget > 0 && parts < GEO_VALUE_PARTS; parts++) {
		leave_finished(&w);
		if (w.levels[w.depth].left == 0)
			return true;
		(*budget)--;
		if (!step(&w))
			return false;
	}
	return false;
}
