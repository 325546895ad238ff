"""Access to a CloudFormation template for tests."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Template:
    body: dict[str, Any]

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """Return the resources of a type by logical id."""
        return {name: each for name, each in self.body["Resources"].items() if each["Type"] == kind}

    def only(self, kind: str, prefix: str = "") -> dict[str, Any]:
        """Return the properties of the only resource of a type whose logical id has the prefix."""
        [resource] = [each for name, each in self.all(kind).items() if name.startswith(prefix)]
        return resource["Properties"]

    def text(self, value: Any) -> str:
        """Render a value that becomes a string, with `<Id>` for Ref and `<Id.Attribute>` for Fn::GetAtt."""
        match value:
            case str():
                return value
            case {"Ref": name}:
                return f"<{name}>"
            case {"Fn::GetAtt": [name, attribute]}:
                return f"<{name}.{attribute}>"
            case {"Fn::Join": [separator, parts]}:
                return separator.join(self.text(part) for part in parts)
        raise AssertionError(f"not a string: {value}")

    def environment(self, module: str) -> dict[str, str]:
        """Return the environment variables of a function by its module."""
        functions = [each["Properties"] for each in self.all("AWS::Lambda::Function").values()]
        [function] = [each for each in functions if each["Handler"] == f"functions.{module}.handler"]
        return {name: self.text(value) for name, value in function["Environment"]["Variables"].items()}

    def rights(self, role: str) -> set[tuple[str, str]]:
        """Return (action, resource) of every permission of the role whose logical id has the prefix."""
        [name] = [each for each in self.all("AWS::IAM::Role") if each.startswith(role)]
        return {
            (action, self.text(resource))
            for policy in self.all("AWS::IAM::Policy").values()
            if {"Ref": name} in policy["Properties"]["Roles"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            for action in _as_list(statement["Action"])
            for resource in _as_list(statement["Resource"])
        }


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
