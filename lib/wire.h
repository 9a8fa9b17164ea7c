/* wire.h - fields of stored bytes, read and written within bounds; the first failure sticks.
 *
 * Take a value field after field and judge it once: after a failed read every read gives 0 or an
 * empty span, and wire_done() is false. Fixed numbers are big-endian. A varint (LEB128) has 7 bits
 * a byte, the lowest first, the high bit set when more follow; only its shortest form is read. */
#ifndef SINK_WIRE_H
#define SINK_WIRE_H

#include <endian.h>
#include <string.h>

#include "sinkhole/span.h"

#define WIRE_VARINT_MAX 10 /* bytes of 64 bits */

struct wire_in {
	struct sink_span left; /* not yet read */
	bool bad; /* something did not fit */
};

/* Borrow the next `len` bytes; an empty span when there are not so many. */
static inline struct sink_span wire_bytes(struct wire_in *in, size_t len)
{
	struct sink_span taken;

	if (in->bad || in->left.len < len) {
		in->bad = true;
		return sink_span(NULL, 0);
	}
	taken = sink_span(in->left.at, len);
	in->left.len -= len;
	if (len > 0)
		in->left.at += len;
	return taken;
}

/* Numbers are read at once, not byte by byte: records are, at each query. */
static inline uint8_t wire_u8(struct wire_in *in)
{
	struct sink_span bytes = wire_bytes(in, 1);

	return bytes.len > 0 ? bytes.at[0] : 0;
}

static inline uint16_t wire_u16(struct wire_in *in)
{
	struct sink_span bytes = wire_bytes(in, 2);

	return (uint16_t)(bytes.len > 0 ? bytes.at[0] << 8 | bytes.at[1] : 0);
}

static inline uint32_t wire_u32(struct wire_in *in)
{
	struct sink_span bytes = wire_bytes(in, 4);
	uint32_t number = 0;

	if (bytes.len > 0)
		memcpy(&number, bytes.at, sizeof number);
	return be32toh(number);
}

static inline uint64_t wire_u64(struct wire_in *in)
{
	struct sink_span bytes = wire_bytes(in, 8);
	uint64_t number = 0;

	if (bytes.len > 0)
		memcpy(&number, bytes.at, sizeof number);
	return be64toh(number);
}

static inline uint64_t wire_varint(struct wire_in *in)
{
	uint64_t number = 0;
	size_t i = 0;

	if (!in->bad && in->left.len > 0 && in->left.at[0] < 0x80) {
		in->left.len--;
		return *in->left.at++;
	}
	for (; !in->bad && i < in->left.len && i < WIRE_VARINT_MAX; i++) {
		uint8_t byte = in->left.at[i];

		if (i == WIRE_VARINT_MAX - 1 && byte > 1)
			break; /* a 65th bit */
		number |= (uint64_t)(byte & 0x7f) << (7 * i);
		if (byte >= 0x80)
			continue;
		if (byte == 0)
			break; /* there is a shorter form */
		wire_bytes(in, i + 1);
		return number;
	}
	in->bad = true;
	return 0;
}

/* Everything was read, and nothing failed. */
static inline bool wire_done(const struct wire_in *in)
{
	return !in->bad && in->left.len == 0;
}

struct wire_out {
	uint8_t *at; /* where the next byte goes */
	size_t left; /* bytes of room */
	bool bad; /* something did not fit; what was written is of no use */
};

static inline void wire_put_bytes(struct wire_out *out, struct sink_span bytes)
{
	if (out->bad || out->left < bytes.len) {
		out->bad = true;
		return;
	}
	if (bytes.len > 0)
		memcpy(out->at, bytes.at, bytes.len);
	out->at += bytes.len;
	out->left -= bytes.len;
}

/* The low `len` bytes of a number, big-endian; `len` is at most 8. */
static inline void wire_put_number(struct wire_out *out, uint64_t number, size_t len)
{
	uint8_t bytes[8];

	for (size_t i = len; i-- > 0; number >>= 8)
		bytes[i] = (uint8_t)number;
	wire_put_bytes(out, sink_span(bytes, len));
}

static inline void wire_put_u8(struct wire_out *out, uint8_t number)
{
	wire_put_number(out, number, 1);
}

static inline void wire_put_u16(struct wire_out *out, uint16_t number)
{
	wire_put_number(out, number, 2);
}

static inline void wire_put_u32(struct wire_out *out, uint32_t number)
{
	wire_put_number(out, number, 4);
}

static inline void wire_put_u64(struct wire_out *out, uint64_t number)
{
	wire_put_number(out, number, 8);
}

static inline void wire_put_varint(struct wire_out *out, uint64_t number)
{
	uint8_t bytes[WIRE_VARINT_MAX];
	size_t len = 0;

	for (; number >= 0x80; number >>= 7)
		bytes[len++] = (uint8_t)(number | 0x80);
	bytes[len++] = (uint8_t)number;
	wire_put_bytes(out, sink_span(bytes, len));
}

#endif
