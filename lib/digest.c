/* digest.c - SHA-256 by libcrypto's EVP, which uses the processor's own instructions for it. */
#include "digest.h"

#include <openssl/evp.h>
#include <stdlib.h>

#include "hex.h"

struct digest {
	EVP_MD_CTX *evp;
};

int digest_begin(struct digest **out)
{
	struct digest *digest = calloc(1, sizeof *digest);

	if (!digest)
		return SINK_ENOMEM;
	digest->evp = EVP_MD_CTX_new();
	if (!digest->evp || !EVP_DigestInit_ex(digest->evp, EVP_sha256(), NULL))
		goto fail;
	*out = digest;
	return SINK_OK;
fail:
	digest_free(digest);
	return SINK_ENOMEM;
}

int digest_add(struct digest *digest, struct sink_span bytes)
{
	return EVP_DigestUpdate(digest->evp, bytes.at, bytes.len) ? SINK_OK : SINK_ENOMEM;
}

int digest_end(struct digest *digest, uint8_t out[SINK_DIGEST_LEN])
{
	return EVP_DigestFinal_ex(digest->evp, out, NULL) ? SINK_OK : SINK_ENOMEM;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->evp);
	free(digest);
}

int digest_of(struct sink_span bytes, uint8_t out[SINK_DIGEST_LEN])
{
	struct digest *digest;
	int err = digest_begin(&digest);

	if (err)
		return err;
	err = digest_add(digest, bytes);
	if (!err)
		err = digest_end(digest, out);
	digest_free(digest);
	return err;
}

void digest_to_hex(const uint8_t digest[SINK_DIGEST_LEN], char out[DIGEST_HEX_LEN + 1])
{
	hex_write(sink_span(digest, SINK_DIGEST_LEN), out);
}

int digest_from_hex(struct sink_span text, uint8_t out[SINK_DIGEST_LEN])
{
	return hex_read(text, out, SINK_DIGEST_LEN) ? SINK_OK : SINK_ESYNTAX;
}
