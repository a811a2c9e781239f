"""Kubernetes' own types, as its Python client has them: what is said of an object that has a field too many, one of
another type, or lacks a required one."""

import re

from kubernetes import client

SCALARS = {"str": str, "int": int, "bool": bool, "float": (int, float)}


def faults(value, kind, at):
    if kind in SCALARS:
        right = isinstance(value, SCALARS[kind]) and not (kind == "int" and isinstance(value, bool))
        return [] if right else [f"{at}: {value!r} is no {kind}"]
    if kind == "object":
        return []  # Numbers and words alike, as in a quantity or a port.
    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        if not isinstance(value, list):
            return [f"{at}: no list"]
        return [fault for i, each in enumerate(value) for fault in faults(each, inner[1], f"{at}[{i}]")]
    if inner := re.fullmatch(r"dict\(str, (.*)\)", kind):
        return [fault for key, each in value.items() for fault in faults(each, inner[1], f"{at}.{key}")]
    if not isinstance(value, dict):
        return [f"{at}: no object"]
    return object_faults(value, getattr(client, kind), at)


def object_faults(value, model, at):
    fields = {wire: model.openapi_types[name] for name, wire in model.attribute_map.items()}
    found = [f"{at}.{key}: there is no such field" for key in value if key not in fields]
    for key, each in value.items():
        if key in fields:
            found += faults(each, fields[key], f"{at}.{key}")
    try:  # Its setters know what must be there and which words are allowed.
        configuration = client.Configuration()
        configuration.client_side_validation = True
        model(**{name: value.get(wire) for name, wire in model.attribute_map.items()},
              local_vars_configuration=configuration)
    except ValueError as failure:
        found.append(f"{at}: {failure}")
    return found


def document_faults(document):
    group, _, version = document["apiVersion"].rpartition("/")
    kind = document["kind"]
    model = getattr(client, version.title().replace("/", "") + kind, None)
    if model is None:
        return [f"{group}/{version} {kind} is not known"]
    return object_faults(document, model, kind)
