/* rdata.c - by the description of types that Unbound has for its own parser and encoder. */
#include "rdata.h"

#include "ub.h"

#define FIELD_REST SIZE_MAX /* as long as there is RDATA */

/* Not Unbound's dname_valid(): behind a name that has no root, that reads one octet too many, and these bytes may be
 * the last ones of a map. */
size_t rdata_name(struct sink_span bytes)
{
	size_t at = 0;

	while (at < bytes.len && bytes.at[at] > 0) {
		if (bytes.at[at] > LDNS_MAX_LABELLEN)
			return 0;
		at += 1 + (size_t)bytes.at[at];
	}
	return at < bytes.len && at < LDNS_MAX_DOMAINLEN ? at + 1 : 0;
}

/* Octets of a field; 0: it is malformed, or there is none. */
static size_t field(sldns_rdf_type kind, struct sink_span left)
{
	switch ((int)kind) {
	case LDNS_RDF_TYPE_DNAME:
		return rdata_name(left);
	case LDNS_RDF_TYPE_STR:
		return left.len > 0 ? 1 + (size_t)left.at[0] : 0;
	case LDNS_RDF_TYPE_INT8:
	case LDNS_RDF_TYPE_CLASS:
	case LDNS_RDF_TYPE_ALG:
		return 1;
	case LDNS_RDF_TYPE_INT16:
	case LDNS_RDF_TYPE_TYPE:
	case LDNS_RDF_TYPE_CERT_ALG:
		return 2;
	case LDNS_RDF_TYPE_INT32:
	case LDNS_RDF_TYPE_TIME:
	case LDNS_RDF_TYPE_PERIOD:
	case LDNS_RDF_TYPE_A:
		return 4;
	case LDNS_RDF_TYPE_AAAA:
		return 16;
	}
	return FIELD_REST;
}

static sldns_rdf_type field_kind(const sldns_rr_descriptor *type, size_t number)
{
	return number < type->_maximum && type->_wireformat ? type->_wireformat[number]
							    : type->_variable;
}

/* Are the fields those of the type? None may follow but of the kind that repeats itself. */
static bool fields_fit(const sldns_rr_descriptor *type, struct sink_span left)
{
	for (size_t number = 0; left.len > 0 || number < type->_minimum; number++) {
		sldns_rdf_type kind = field_kind(type, number);
		size_t len;

		if (kind == LDNS_RDF_TYPE_NONE)
			return false;
		len = field(kind, left);
		if (len == FIELD_REST)
			return true;
		if (len == 0 || len > left.len)
			return false;
		left = sink_span(left.at + len, left.len - len);
	}
	return true;
}

static bool may_be_forged(uint16_t type)
{
	switch (type) {
	case 0:
	case LDNS_RR_TYPE_OPT:
	case LDNS_RR_TYPE_SIG:
	case LDNS_RR_TYPE_NXT:
	case LDNS_RR_TYPE_RRSIG:
	case LDNS_RR_TYPE_NSEC:
	case LDNS_RR_TYPE_NSEC3:
		return false;
	}
	return type < 128 || type > 255; /* questions and transactions: RFC 6895, 3.1 */
}

bool rdata_is_good(uint16_t type, struct sink_span rdata)
{
	return may_be_forged(type) && fields_fit(sldns_rr_descript(type), rdata);
}
