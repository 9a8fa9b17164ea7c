/* abi.c - the strings that `unbound -V` prints are constants of the program; the kernel mapped
 * them, dl_iterate_phdr() says where. */
#include "abi.h"

#include <link.h>

#define RANGES_MAX 16 /* read-only segments of a program; linkers make two or three */

/* A program under AddressSanitizer has guards between its constants; we read over them. */
#define READS_OVER_GUARDS __attribute__((no_sanitize("address")))

typedef bool may_precede_fn(uint8_t octet);

static bool ends_number(uint8_t octet)
{
	return octet != '.' && (octet < '0' || octet > '9');
}

static bool ends_text(uint8_t octet)
{
	return octet < ' ' || octet > '~';
}

READS_OVER_GUARDS static bool starts_with(const uint8_t *at, struct sink_span text)
{
	/* Not memcmp(): the sanitizer looks into that. */
	for (size_t i = 0; i < text.len; i++) {
		if (at[i] != text.at[i])
			return false;
	}
	return true;
}

READS_OVER_GUARDS static bool has_string(struct sink_span memory, struct sink_span text,
	may_precede_fn *may_precede)
{
	for (size_t end = text.len; end < memory.len; end++) {
		size_t start = end - text.len;

		if (memory.at[end] != 0 || !starts_with(memory.at + start, text))
			continue;
		if (start == 0 || may_precede(memory.at[start - 1]))
			return true;
	}
	return false;
}

static bool have_string(const struct sink_span *ranges, size_t count, const char *text,
	may_precede_fn *may_precede)
{
	for (size_t i = 0; i < count; i++) {
		if (has_string(ranges[i], sink_span_text(text), may_precede))
			return true;
	}
	return false;
}

enum abi_fit abi_compare(const struct sink_span *ranges, size_t count, const char *version,
	const char *configure)
{
	if (!have_string(ranges, count, version, ends_number))
		return ABI_OTHER_VERSION;
	if (configure[0] && !have_string(ranges, count, configure, ends_text))
		return ABI_OTHER_CONFIGURE;
	return ABI_FITS;
}

struct program {
	struct sink_span ranges[RANGES_MAX];
	size_t count;
};

/* The first object reported is the program itself; the others are libraries, and we among them
 * hold the very strings that are looked for. */
static int collect(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct program *program = arg;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum && program->count < RANGES_MAX; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
		uintptr_t at = (uintptr_t)info->dlpi_addr + (uintptr_t)segment->p_vaddr;

		if (segment->p_type != PT_LOAD || (segment->p_flags & (PF_R | PF_W)) != PF_R)
			continue;
		program->ranges[program->count++] =
			sink_span((const void *)at, (size_t)segment->p_filesz);
	}
	return 1;
}

enum abi_fit abi_running(const char *version, const char *configure)
{
	struct program program = { .count = 0 };

	dl_iterate_phdr(collect, &program);
	return abi_compare(program.ranges, program.count, version, configure);
}
