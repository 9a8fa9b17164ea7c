"""Large documents as exchange platforms write them, made up and the same each time: for bench/run.

    documents.stix(path, bytes)     a STIX 2.1 bundle: indicators, each with a relationship to one of a few malware
    documents.misp(path, bytes)     a MISP event: attributes, each with a tag
"""

import json
import uuid

SPACE = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")  # RFC 4122, appendix C: any fixed one will do
TIME = "2026-01-01T00:00:00.000Z"
FAMILIES = 40


def an_id(kind, number):
    return f"{kind}--{uuid.uuid5(SPACE, f'{kind}{number}')}"


def write(path, size, head, items, tail):
    """Items until the file is at least `size` bytes; how many there were."""
    count = 0
    with open(path, "w", encoding="ascii", buffering=1 << 20) as out:
        out.write(head)
        written = len(head)
        for item in items:
            text = ("," if count else "") + json.dumps(item)
            out.write(text)
            written += len(text)
            count += 1
            if written >= size:
                break
        out.write(tail)
    return count


def stix_objects():
    for number in range(FAMILIES):
        yield {"type": "malware", "spec_version": "2.1", "id": an_id("malware", number), "created": TIME,
               "modified": TIME, "name": f"family{number}", "is_family": True}
    number = 0
    while True:
        indicator = an_id("indicator", number)
        yield {"type": "indicator", "spec_version": "2.1", "id": indicator, "created": TIME,
               "modified": TIME, "name": f"Host number {number} of a campaign", "confidence": 80,
               "indicator_types": ["malicious-activity"], "pattern_type": "stix",
               "pattern": f"[domain-name:value = 'host{number}.evil{number % 1000}.example']",
               "valid_from": TIME}
        yield {"type": "relationship", "spec_version": "2.1", "id": an_id("relationship", number),
               "created": TIME, "modified": TIME, "relationship_type": "indicates",
               "source_ref": indicator, "target_ref": an_id("malware", number % FAMILIES)}
        number += 1


def stix(path, size):
    return write(path, size, f'{{"type":"bundle","id":"{an_id("bundle", 0)}","objects":[', stix_objects(), "]}")


def misp_attributes():
    number = 0
    while True:
        yield {"id": str(number), "event_id": "1", "object_id": "0", "object_relation": None,
               "category": "Network activity", "type": "domain", "to_ids": True,
               "uuid": str(uuid.uuid5(SPACE, f"attribute{number}")), "timestamp": "1767225600",
               "distribution": "5", "comment": "", "deleted": False, "disable_correlation": False,
               "value": f"host{number}.evil{number % 1000}.example",
               "Tag": [{"name": f'misp-galaxy:malpedia="family{number % FAMILIES}"', "colour": "#0088cc"}]}
        number += 1


def misp(path, size):
    head = ('{"Event":{"id":"1","info":"Made up","date":"2026-01-01","published":true,"uuid":"'
            + str(uuid.uuid5(SPACE, "event")) + '","threat_level_id":"1","Attribute":[')
    return write(path, size, head, misp_attributes(), '],"Tag":[{"name":"tlp:green"}]}}')
