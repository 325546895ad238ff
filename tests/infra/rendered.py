"""A CloudFormation template, read for tests."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Template:
    body: dict[str, Any]

    def all(self, kind: str) -> dict[str, dict[str, Any]]:
        """The resources of a type, by logical id."""
        return {name: each for name, each in self.body["Resources"].items() if each["Type"] == kind}

    def only(self, kind: str, prefix: str = "") -> dict[str, Any]:
        """The properties of the one resource of a type whose logical id begins so."""
        [found] = [each for name, each in self.all(kind).items() if name.startswith(prefix)]
        return found["Properties"]

    def text(self, value: Any) -> str:
        """What CloudFormation makes a string, with `<Id>` and `<Id.Attribute>` for what it fills in."""
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
        """What the function of a module is given, parameters at their defaults."""
        functions = [each["Properties"] for each in self.all("AWS::Lambda::Function").values()]
        [function] = [each for each in functions if each["Handler"] == f"functions.{module}.handler"]
        parameters = self.body["Parameters"]
        return {
            name: parameters[value["Ref"]]["Default"]
            if isinstance(value, dict) and value.get("Ref") in parameters
            else self.text(value)
            for name, value in function["Environment"]["Variables"].items()
        }

    def rights(self, role: str) -> set[tuple[str, str]]:
        """(action, resource) of all that the role whose logical id begins so may do."""
        [name] = [each for each in self.all("AWS::IAM::Role") if each.startswith(role)]
        return {
            (action, self.text(resource))
            for policy in self.all("AWS::IAM::Policy").values()
            if {"Ref": name} in policy["Properties"]["Roles"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
            for action in _listed(statement["Action"])
            for resource in _listed(statement["Resource"])
        }

    def statements(self) -> list[dict[str, Any]]:
        """Every statement of every policy that is attached to a role."""
        policies = self.all("AWS::IAM::Policy").values()
        return [each for policy in policies for each in policy["Properties"]["PolicyDocument"]["Statement"]]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
