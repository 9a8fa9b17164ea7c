/* record.c - reading the parts of a record that are lists. */
#include "sinkhole/record.h"

#include "wire.h"

bool sink_record_is_plain(const struct sink_record *record)
{
	return !record->valid_from && !record->valid_until && record->types.len == 0 &&
		record->except.len == 0;
}

/* What was read is taken off *rest, unless it did not fit. */
static bool take(struct sink_span *rest, const struct wire_in *in)
{
	if (in->bad)
		return false;
	*rest = in->left;
	return true;
}

bool sink_types_next(struct sink_span *rest, uint16_t *type)
{
	struct wire_in in = { .left = *rest };
	uint16_t number = wire_u16(&in);

	if (!take(rest, &in))
		return false;
	*type = number;
	return true;
}

bool sink_except_next(struct sink_span *rest, struct sink_span *key)
{
	struct wire_in in = { .left = *rest };
	struct sink_span bytes = wire_bytes(&in, wire_u16(&in));

	if (!take(rest, &in))
		return false;
	*key = bytes;
	return true;
}

bool sink_data_next(struct sink_span *rest, struct sink_data *out)
{
	struct wire_in in = { .left = *rest };
	struct sink_data data;

	data.type = wire_u16(&in);
	data.ttl = wire_u32(&in);
	data.rdata = wire_bytes(&in, wire_u16(&in));
	if (!take(rest, &in))
		return false;
	*out = data;
	return true;
}
