#!/bin/sh
# Made by iampolicy: change the installation and make it again, not this file.
set -eu

caller=$(aws sts get-caller-identity --query Arn --output text)
partition=$(printf '%s' "$caller" | cut -d : -f 2)
account=$(printf '%s' "$caller" | cut -d : -f 5)
suffix=amazonaws.com
if [ "$partition" = aws-cn ]; then
  suffix=amazonaws.com.cn
fi

# Account that keeps the copies.
vault_account=${VAULT_ACCOUNT:-'999999999999'}

# ARN of the role or user in the vault account that assumes the roles. It must exist.
orchestrator=${ORCHESTRATOR:-'arn:aws:iam::999999999999:role/backup/orchestrator'}

# What external ids begin with; a dash and the id of the account follow.
external_id_prefix=${EXTERNAL_ID_PREFIX:-'fleet-5c1a'}

# put_role NAME DESCRIPTION TRUST
put_role() {
  if aws iam get-role --role-name "$1" >/dev/null 2>&1; then
    aws iam update-assume-role-policy --role-name "$1" --policy-document "$3"
  else
    aws iam create-role --role-name "$1" --description "$2" --assume-role-policy-document "$3" >/dev/null
  fi
}

# put_managed ROLE NAME POLICY: the new version replaces the one before, since
# IAM keeps five at most.
put_managed() {
  arn="arn:$partition:iam::$account:policy/$2"
  if aws iam get-policy --policy-arn "$arn" >/dev/null 2>&1; then
    before=$(aws iam get-policy --policy-arn "$arn" --query Policy.DefaultVersionId --output text)
    aws iam create-policy-version --policy-arn "$arn" --set-as-default --policy-document "$3" >/dev/null
    aws iam delete-policy-version --policy-arn "$arn" --version-id "$before"
  else
    aws iam create-policy --policy-name "$2" --policy-document "$3" >/dev/null
  fi
  aws iam attach-role-policy --role-name "$1" --policy-arn "$arn"
}

put_role snapkeep-backup 'Finds, snapshots and shares what the vault account backs up. Cannot delete.' \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Orchestrator","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"'"$external_id_prefix"'-'"$account"'"}}}]}'
aws iam put-role-policy --role-name snapkeep-backup --policy-name snapkeep-backup --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Describe","Effect":"Allow","Action":["ec2:DescribeImages","ec2:DescribeInstanceTypes","ec2:DescribeInstances","ec2:DescribeLockedSnapshots","ec2:DescribeSnapshotTierStatus","ec2:DescribeSnapshots","ec2:DescribeVolumes","ec2:ListSnapshotsInRecycleBin"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}},{"Sid":"InspectKeys","Effect":"Allow","Action":"kms:DescribeKey","Resource":"arn:'"$partition"':kms:*:'"$account"':key/*"},{"Sid":"SnapshotVolumes","Effect":"Allow","Action":["ec2:CreateSnapshot","ec2:CreateSnapshots"],"Resource":"arn:'"$partition"':ec2:*:'"$account"':volume/*","Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}},{"Sid":"SnapshotInstances","Effect":"Allow","Action":"ec2:CreateSnapshots","Resource":"arn:'"$partition"':ec2:*:'"$account"':instance/*"},{"Sid":"MakeTaggedSnapshots","Effect":"Allow","Action":["ec2:CreateSnapshot","ec2:CreateSnapshots"],"Resource":"arn:'"$partition"':ec2:*::snapshot/*","Condition":{"StringEquals":{"aws:RequestTag/snapkeep:vault":"'"$vault_account"'"}}},{"Sid":"TagNewSnapshots","Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:'"$partition"':ec2:*::snapshot/*","Condition":{"StringEquals":{"aws:RequestTag/snapkeep:vault":"'"$vault_account"'","ec2:CreateAction":["CreateSnapshot","CreateSnapshots"]}}},{"Sid":"ShareOwn","Effect":"Allow","Action":"ec2:ModifySnapshotAttribute","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$vault_account"'","ec2:Add/userId":"'"$vault_account"'"}}},{"Sid":"RevokeOwn","Effect":"Allow","Action":"ec2:ModifySnapshotAttribute","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$vault_account"'","ec2:Remove/userId":"'"$vault_account"'"}}},{"Sid":"NeverPublic","Effect":"Deny","Action":"ec2:ModifySnapshotAttribute","Resource":"*","Condition":{"Null":{"ec2:Add/group":"false"}}},{"Sid":"NeverToOthers","Effect":"Deny","Action":"ec2:ModifySnapshotAttribute","Resource":"*","Condition":{"ForAnyValue:StringNotEquals":{"ec2:Add/userId":"'"$vault_account"'"}}}]}'

put_role snapkeep-pruner 'Deletes the snapshots that the vault account made here.' \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Orchestrator","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"'"$external_id_prefix"'-'"$account"'"}}}]}'
aws iam put-role-policy --role-name snapkeep-pruner --policy-name snapkeep-pruner --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Sid":"DeleteOwn","Effect":"Allow","Action":"ec2:DeleteSnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$vault_account"'","ec2:Owner":"'"$account"'"}}}]}'
