"""The life of a backup across accounts, told with boto3 as it is.

Runs inside: go run ./examples/awssim -world story -- python3 .ci/story.py
Ends with an error as soon as anything is not as on AWS.
"""

import base64
import hashlib
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

VAULT, SHOP, CLEAN, STRANGER = "999999999999", "111111111111", "555555555555", "666666666666"
BLOCK = 512 * 1024
# Nothing of the user's own is read.
os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
# Waiters of boto3 ask every 15 s and give up after 40 times.
SOON = {"Delay": 1, "MaxAttempts": 60}
CONFIG = Config(retries={"max_attempts": 1}, connect_timeout=10, read_timeout=30)


def check(ok, what):
    if not ok:
        sys.exit(f"story: not as on AWS: {what}")


def refused(codes, call, **arguments):
    """Makes a call that AWS refuses."""
    try:
        call(**arguments)
    except ClientError as e:
        code = e.response["Error"]["Code"]
        check(code in codes, f"{call.__name__} is refused with {code}, not {codes}")
        return
    check(False, f"{call.__name__} is accepted, not refused with {codes}")


class Account:
    """Clients with one account's credentials."""

    def __init__(self, key, secret, token=None):
        self.session = boto3.Session(key, secret, token)

    def __getattr__(self, service):
        return self.session.client(service, config=CONFIG)

    def assume(self, account, role, **arguments):
        out = self.sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{role}", RoleSessionName="story", **arguments)
        c = out["Credentials"]
        return Account(c["AccessKeyId"], c["SecretAccessKey"], c["SessionToken"])


def user(suffix):
    return Account(os.environ["AWS_ACCESS_KEY_ID" + suffix], os.environ["AWS_SECRET_ACCESS_KEY" + suffix])


def tags(**values):
    return [{"ResourceType": "snapshot", "Tags": [{"Key": k, "Value": v} for k, v in values.items()]}]


def have(resource):
    return {t["Key"]: t["Value"] for t in resource.get("Tags", [])}


def share(account, snapshot, operation, with_account):
    account.ec2.modify_snapshot_attribute(
        SnapshotId=snapshot, Attribute="createVolumePermission", OperationType=operation, UserIds=[with_account]
    )


def blocks(account, snapshot):
    """Reads what is in a snapshot with the EBS direct APIs."""
    client, found, token = account.ebs, {}, {}
    while True:
        page = client.list_snapshot_blocks(SnapshotId=snapshot, MaxResults=100, **token)
        check(page["BlockSize"] == BLOCK, "blocks of 512 KiB")
        for b in page["Blocks"]:
            got = client.get_snapshot_block(SnapshotId=snapshot, BlockIndex=b["BlockIndex"], BlockToken=b["BlockToken"])
            data = got["BlockData"].read()
            check(len(data) == BLOCK == got["DataLength"], "whole blocks")
            check(base64.b64encode(hashlib.sha256(data).digest()).decode() == got["Checksum"], "a checksum that fits")
            found[b["BlockIndex"]] = data.rstrip(b"\0").decode()
        if not page.get("NextToken"):
            return found
        token = {"NextToken": page["NextToken"]}


def enter(engine):
    """Only who knows the external id gets in."""
    check(engine.sts.get_caller_identity()["Account"] == VAULT, "the engine is the vault's")
    refused(["AccessDenied"], engine.assume, account=SHOP, role="backup")
    refused(["AccessDenied"], engine.assume, account=SHOP, role="backup", ExternalId="guessed")
    refused(["AccessDenied"], user("_" + STRANGER).assume, account=SHOP, role="backup", ExternalId="story-1")
    backup = engine.assume(SHOP, "backup", ExternalId="story-1")
    who = backup.sts.get_caller_identity()
    check(who["Account"] == SHOP and who["Arn"].endswith(":assumed-role/backup/story"), "the session is shop's")
    return backup


def snapshot(backup):
    """All volumes of the instance at one moment."""
    found = backup.ec2.describe_instances(Filters=[{"Name": "tag:backup", "Values": ["daily"]}])
    (instance,) = [i for r in found["Reservations"] for i in r["Instances"]]
    check(instance["InstanceId"] == os.environ[f"AWSSIM_INSTANCE_{SHOP}_WEB"], "the instance of the script")
    refused(
        ["UnauthorizedOperation"], backup.ec2.create_tags, Resources=[instance["InstanceId"]], Tags=[{"Key": "backup", "Value": "never"}]
    )
    made = backup.ec2.create_snapshots(
        InstanceSpecification={"InstanceId": instance["InstanceId"], "ExcludeBootVolume": True},
        TagSpecifications=tags(plan="daily", run="r1"),
    )["Snapshots"]
    check(len(made) == 1 and made[0]["State"] == "pending" and have(made[0])["run"] == "r1", "one snapshot, pending, with tags")
    original = made[0]["SnapshotId"]
    backup.ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[original], WaiterConfig=SOON)
    return original


def copy(engine, backup, original):
    """Share, copy home under the vault's key, verify, revoke."""
    key = os.environ[f"AWSSIM_KEY_{VAULT}_VAULT"]
    arguments = {
        "SourceRegion": "eu-west-1", "SourceSnapshotId": original, "Encrypted": True, "KmsKeyId": key,
        "TagSpecifications": tags(plan="daily", source=SHOP),
    }  # fmt: skip
    refused(["InvalidSnapshot.NotFound"], engine.ec2.copy_snapshot, **arguments)
    refused(["UnauthorizedOperation"], share, account=backup, snapshot=original, operation="add", with_account=STRANGER)
    share(backup, original, "add", VAULT)
    listed = engine.ec2.describe_snapshots(OwnerIds=[SHOP], RestorableByUserIds=["self"])["Snapshots"]
    check([s["SnapshotId"] for s in listed] == [original] and not have(listed[0]), "shared, without the owner's tags")
    copied = engine.ec2.copy_snapshot(**arguments)["SnapshotId"]
    engine.ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[copied], WaiterConfig=SOON)
    (c,) = engine.ec2.describe_snapshots(SnapshotIds=[copied])["Snapshots"]
    check(c["OwnerId"] == VAULT and c["KmsKeyId"] == key and c["VolumeSize"] == 10, "the vault's copy under the vault's key")
    check(c["VolumeId"] == "vol-ffffffff" and have(c) == {"plan": "daily", "source": SHOP}, "with its own tags")
    share(backup, original, "remove", VAULT)
    listed = engine.ec2.describe_snapshots(OwnerIds=[SHOP], RestorableByUserIds=["self"])["Snapshots"]
    check(listed == [], "the share is revoked")
    return copied


def restore(engine, copied):
    """Into a third account, which depends on nothing in the end."""
    clean = engine.assume(CLEAN, "restore", ExternalId="story-1")
    refused(["UnauthorizedOperation"], share, account=engine, snapshot=copied, operation="add", with_account=STRANGER)
    share(engine, copied, "add", CLEAN)
    key = os.environ[f"AWSSIM_KEY_{CLEAN}_CLEAN"]
    own = clean.ec2.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=copied, Encrypted=True, KmsKeyId=key)["SnapshotId"]
    clean.ec2.get_waiter("snapshot_completed").wait(SnapshotIds=[own], WaiterConfig=SOON)
    refused(["AuthFailure", "UnauthorizedOperation"], clean.ec2.delete_snapshot, SnapshotId=copied)
    share(engine, copied, "remove", CLEAN)
    volume = clean.ec2.create_volume(AvailabilityZone="eu-west-1b", SnapshotId=own, VolumeType="gp3")
    check(volume["State"] == "creating" and volume["Size"] == 10 and volume["KmsKeyId"] == key, "a volume under clean's key")
    clean.ec2.get_waiter("volume_available").wait(VolumeIds=[volume["VolumeId"]], WaiterConfig=SOON)
    check(blocks(clean, own) == {0: "pages of the shop", 4000: "orders of the shop"}, "the bytes of the shop")
    refused(["AccessDeniedException", "ResourceNotFoundException"], user("_" + STRANGER).ebs.list_snapshot_blocks, SnapshotId=own)
    return clean, own


def prune(engine, backup, original, copied):
    """Who backs up does not delete, and who deletes does nothing else."""
    refused(["UnauthorizedOperation"], backup.ec2.delete_snapshot, SnapshotId=original)
    refused(["UnauthorizedOperation"], engine.ec2.delete_snapshot, SnapshotId=copied)
    pruner = engine.assume(SHOP, "pruner", ExternalId="story-1")
    refused(["UnauthorizedOperation"], pruner.ec2.create_snapshots, InstanceSpecification={"InstanceId": os.environ[f"AWSSIM_INSTANCE_{SHOP}_WEB"]})
    refused(["DryRunOperation"], pruner.ec2.delete_snapshot, SnapshotId=original, DryRun=True)
    pruner.ec2.delete_snapshot(SnapshotId=original)
    refused(["InvalidSnapshot.NotFound"], pruner.ec2.delete_snapshot, SnapshotId=original)
    check(pruner.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == [], "the original is gone")
    admin = user(f"_{VAULT}_ADMIN")
    (left,) = admin.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]
    check(left["SnapshotId"] == copied and left["State"] == "completed", "the copy is not")


def main():
    engine = user("_" + VAULT)
    backup = enter(engine)
    original = snapshot(backup)
    copied = copy(engine, backup, original)
    restore(engine, copied)
    prune(engine, backup, original, copied)
    print("story: boto3 tells the whole story")


if __name__ == "__main__":
    main()
