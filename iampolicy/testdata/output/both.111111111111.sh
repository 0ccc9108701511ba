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

# External id that the vault account sends. Each account has its own.
external_id=${EXTERNAL_ID:-'first-9b2d'}

# External id that the vault account sends to restore.
restore_external_id=${RESTORE_EXTERNAL_ID:-'drill-02aa'}

if [ "$account" != 111111111111 ]; then
  echo "these roles are for account 111111111111, not for $account" >&2
  exit 1
fi

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
  '{"Version":"2012-10-17","Statement":[{"Sid":"Orchestrator","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"'"$external_id"'"}}}]}'
aws iam put-role-policy --role-name snapkeep-backup --policy-name snapkeep-backup --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Describe","Effect":"Allow","Action":["ec2:DescribeImages","ec2:DescribeInstanceTypes","ec2:DescribeInstances","ec2:DescribeLockedSnapshots","ec2:DescribeSnapshotTierStatus","ec2:DescribeSnapshots","ec2:DescribeVolumes","ec2:ListSnapshotsInRecycleBin"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}},{"Sid":"InspectKeys","Effect":"Allow","Action":"kms:DescribeKey","Resource":"arn:'"$partition"':kms:*:'"$account"':key/*"},{"Sid":"SnapshotVolumes","Effect":"Allow","Action":["ec2:CreateSnapshot","ec2:CreateSnapshots"],"Resource":"arn:'"$partition"':ec2:*:'"$account"':volume/*","Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}},{"Sid":"SnapshotInstances","Effect":"Allow","Action":"ec2:CreateSnapshots","Resource":"arn:'"$partition"':ec2:*:'"$account"':instance/*"},{"Sid":"MakeTaggedSnapshots","Effect":"Allow","Action":["ec2:CreateSnapshot","ec2:CreateSnapshots"],"Resource":"arn:'"$partition"':ec2:*::snapshot/*","Condition":{"StringEquals":{"aws:RequestTag/snapkeep:vault":"'"$vault_account"'"}}},{"Sid":"TagNewSnapshots","Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:'"$partition"':ec2:*::snapshot/*","Condition":{"StringEquals":{"aws:RequestTag/snapkeep:vault":"'"$vault_account"'","ec2:CreateAction":["CreateSnapshot","CreateSnapshots"]}}},{"Sid":"ShareOwn","Effect":"Allow","Action":"ec2:ModifySnapshotAttribute","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$vault_account"'","ec2:Add/userId":"'"$vault_account"'"}}},{"Sid":"RevokeOwn","Effect":"Allow","Action":"ec2:ModifySnapshotAttribute","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$vault_account"'","ec2:Remove/userId":"'"$vault_account"'"}}},{"Sid":"NeverPublic","Effect":"Deny","Action":"ec2:ModifySnapshotAttribute","Resource":"*","Condition":{"Null":{"ec2:Add/group":"false"}}},{"Sid":"NeverToOthers","Effect":"Deny","Action":"ec2:ModifySnapshotAttribute","Resource":"*","Condition":{"ForAnyValue:StringNotEquals":{"ec2:Add/userId":"'"$vault_account"'"}}},{"Sid":"CopySource","Effect":"Allow","Action":"ec2:CopySnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"ec2:Owner":"'"$account"'"}}},{"Sid":"MakeTaggedCopies","Effect":"Allow","Action":"ec2:CopySnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/${*}","Condition":{"Bool":{"ec2:Encrypted":"true"},"StringEquals":{"aws:RequestTag/snapkeep:vault":"'"$vault_account"'","aws:RequestedRegion":["eu-west-1","us-east-1"]}}},{"Sid":"TagNewCopies","Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:'"$partition"':ec2:*::snapshot/*","Condition":{"StringEquals":{"aws:RequestTag/snapkeep:vault":"'"$vault_account"'","ec2:CreateAction":"CopySnapshot"}}},{"Sid":"GrantKeysToEC2","Effect":"Allow","Action":"kms:CreateGrant","Resource":["arn:'"$partition"':kms:eu-west-1:'"$account"':key/rekey-eu","arn:'"$partition"':kms:us-east-1:'"$account"':key/rekey-us"],"Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"},"StringLike":{"kms:ViaService":"ec2.*.'"$suffix"'"}}},{"Sid":"UseKeysThroughEC2","Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey","kms:GenerateDataKeyWithoutPlaintext","kms:ReEncryptFrom","kms:ReEncryptTo"],"Resource":["arn:'"$partition"':kms:eu-west-1:'"$account"':key/rekey-eu","arn:'"$partition"':kms:us-east-1:'"$account"':key/rekey-us"],"Condition":{"StringLike":{"kms:ViaService":"ec2.*.'"$suffix"'"}}}]}'

put_role snapkeep-pruner 'Deletes the snapshots that the vault account made here.' \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Orchestrator","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"'"$external_id"'"}}}]}'
aws iam put-role-policy --role-name snapkeep-pruner --policy-name snapkeep-pruner --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Sid":"DeleteOwn","Effect":"Allow","Action":"ec2:DeleteSnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$vault_account"'","ec2:Owner":"'"$account"'"}}}]}'

put_role snapkeep-restore 'Makes volumes and instances from the copies that the vault account shares.' \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Orchestrator","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"'"$restore_external_id"'"}}}]}'
aws iam put-role-policy --role-name snapkeep-restore --policy-name snapkeep-restore --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Describe","Effect":"Allow","Action":["ec2:DescribeImages","ec2:DescribeInstances","ec2:DescribeSnapshots","ec2:DescribeVolumes"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}},{"Sid":"CopySource","Effect":"Allow","Action":"ec2:CopySnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"ec2:Owner":["'"$account"'","'"$vault_account"'"]}}},{"Sid":"MakeRestoreCopies","Effect":"Allow","Action":"ec2:CopySnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/${*}","Condition":{"Bool":{"ec2:Encrypted":"true"},"Null":{"aws:RequestTag/snapkeep:restore":"false"}}},{"Sid":"TagWhatIsMade","Effect":"Allow","Action":"ec2:CreateTags","Resource":["arn:'"$partition"':ec2:*:'"$account"':instance/*","arn:'"$partition"':ec2:*:'"$account"':volume/*","arn:'"$partition"':ec2:*::image/*","arn:'"$partition"':ec2:*::snapshot/*"],"Condition":{"Null":{"aws:RequestTag/snapkeep:restore":"false"},"StringEquals":{"ec2:CreateAction":["CopySnapshot","CreateVolume","RegisterImage","RunInstances"]}}},{"Sid":"UseRestoreCopies","Effect":"Allow","Action":["ec2:CreateVolume","ec2:RegisterImage"],"Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"Null":{"aws:ResourceTag/snapkeep:restore":"false"}}},{"Sid":"MakeVolumes","Effect":"Allow","Action":"ec2:CreateVolume","Resource":"arn:'"$partition"':ec2:*:'"$account"':volume/*","Condition":{"Bool":{"ec2:Encrypted":"true"},"Null":{"aws:RequestTag/snapkeep:restore":"false"}}},{"Sid":"MakeImages","Effect":"Allow","Action":"ec2:RegisterImage","Resource":"arn:'"$partition"':ec2:*::image/*","Condition":{"Null":{"aws:RequestTag/snapkeep:restore":"false"}}},{"Sid":"DropImages","Effect":"Allow","Action":"ec2:DeregisterImage","Resource":"arn:'"$partition"':ec2:*::image/ami-*","Condition":{"Null":{"aws:ResourceTag/snapkeep:restore":"false"}}},{"Sid":"RunRestoredImages","Effect":"Allow","Action":"ec2:RunInstances","Resource":"arn:'"$partition"':ec2:*::image/ami-*","Condition":{"Null":{"aws:ResourceTag/snapkeep:restore":"false"},"StringEquals":{"ec2:Owner":"'"$account"'"}}},{"Sid":"MakeInstances","Effect":"Allow","Action":"ec2:RunInstances","Resource":["arn:'"$partition"':ec2:*:'"$account"':instance/*","arn:'"$partition"':ec2:*:'"$account"':volume/*"],"Condition":{"Null":{"aws:RequestTag/snapkeep:restore":"false"}}},{"Sid":"PlaceInstances","Effect":"Allow","Action":"ec2:RunInstances","Resource":["arn:'"$partition"':ec2:*:'"$account"':key-pair/*","arn:'"$partition"':ec2:*:'"$account"':network-interface/*","arn:'"$partition"':ec2:*:'"$account"':security-group/*","arn:'"$partition"':ec2:*:'"$account"':subnet/*"]},{"Sid":"DeleteRestoreCopies","Effect":"Allow","Action":"ec2:DeleteSnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"Null":{"aws:ResourceTag/snapkeep:restore":"false"},"StringEquals":{"ec2:Owner":"'"$account"'"}}},{"Sid":"DescribeKeys","Effect":"Allow","Action":"kms:DescribeKey","Resource":["arn:'"$partition"':kms:eu-west-1:'"$vault_account"':key/vault-eu","arn:'"$partition"':kms:us-east-1:'"$account"':key/drill","arn:'"$partition"':kms:us-east-1:'"$vault_account"':key/vault-us"]},{"Sid":"GrantKeysToEC2","Effect":"Allow","Action":"kms:CreateGrant","Resource":["arn:'"$partition"':kms:eu-west-1:'"$vault_account"':key/vault-eu","arn:'"$partition"':kms:us-east-1:'"$account"':key/drill","arn:'"$partition"':kms:us-east-1:'"$vault_account"':key/vault-us"],"Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"},"StringLike":{"kms:ViaService":"ec2.*.'"$suffix"'"}}},{"Sid":"UseKeysThroughEC2","Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey","kms:GenerateDataKeyWithoutPlaintext","kms:ReEncryptFrom","kms:ReEncryptTo"],"Resource":["arn:'"$partition"':kms:eu-west-1:'"$vault_account"':key/vault-eu","arn:'"$partition"':kms:us-east-1:'"$account"':key/drill","arn:'"$partition"':kms:us-east-1:'"$vault_account"':key/vault-us"],"Condition":{"StringLike":{"kms:ViaService":"ec2.*.'"$suffix"'"}}}]}'
