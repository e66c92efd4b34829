"""Checks template.yaml without credentials: as SAM, then as the CloudFormation it becomes."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.public.translator import ManagedPolicyLoader  # noqa: E402
from samtranslator.translator.transform import transform  # noqa: E402
from samtranslator.yaml_helper import yaml_parse  # noqa: E402

TOOLS = Path(sys.executable).parent
TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"


class NoManagedPolicies(ManagedPolicyLoader):
    """No policy template of the template refers to a managed policy by name, so none has to be asked for."""

    def __init__(self):
        super().__init__(None)

    def load(self):
        return {}


def local_code_uploaded(template):
    """`sam package` puts code into a bucket first; the translator takes nothing else."""
    functions = template.get("Globals", {}).get("Function", {})
    functions["CodeUri"] = {"Bucket": "code", "Key": "code.zip"}
    return template


def main():
    subprocess.run([TOOLS / "sam", "validate", "--lint", "--template", TEMPLATE], check=True)
    template = local_code_uploaded(yaml_parse(TEMPLATE.read_text()))
    translated = transform(template, {}, NoManagedPolicies())
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(translated, file, indent=2)
        file.flush()
        subprocess.run([TOOLS / "cfn-lint", "--template", file.name, "--regions", "us-east-1", "eu-central-1"], check=True)
    print(f"{len(translated['Resources'])} resources")


main()
