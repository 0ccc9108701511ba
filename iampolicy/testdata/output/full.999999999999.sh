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

# ARN of the role or user in the vault account that assumes the roles. It must exist.
orchestrator=${ORCHESTRATOR:-'arn:aws:iam::999999999999:role/backup/orchestrator'}

# External id that the vault account sends. Each account has its own.
external_id=${EXTERNAL_ID:-'vault-7c1e'}

if [ "$account" != 999999999999 ]; then
  echo "these roles are for account 999999999999, not for $account" >&2
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

put_role snapkeep-vault-writer 'Copies what protected accounts share. Cannot delete or share.' \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Orchestrator","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5","sts:ExternalId":"'"$external_id"'"},"StringLike":{"sts:SourceIdentity":"snapkeep-*"}}},{"Sid":"NamesIdentity","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:SetSourceIdentity","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},"StringLike":{"sts:SourceIdentity":"snapkeep-*"}}},{"Sid":"TagsSessions","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:TagSession","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["plan","run"]},"Null":{"aws:TagKeys":"false"},"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}]}'
aws iam put-role-policy --role-name snapkeep-vault-writer --policy-name snapkeep-vault-writer --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Describe","Effect":"Allow","Action":["ec2:DescribeImages","ec2:DescribeLockedSnapshots","ec2:DescribeSnapshotTierStatus","ec2:DescribeSnapshots","ec2:ListSnapshotsInRecycleBin"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}},{"Sid":"CopySource","Effect":"Allow","Action":"ec2:CopySnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"ec2:Owner":["111111111111","222222222222","'"$account"'"]}}},{"Sid":"MakeTaggedCopies","Effect":"Allow","Action":"ec2:CopySnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/${*}","Condition":{"Bool":{"ec2:Encrypted":"true"},"StringEquals":{"aws:RequestTag/snapkeep:vault":"'"$account"'","aws:RequestedRegion":["eu-west-1","us-east-1"]}}},{"Sid":"TagNewCopies","Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:'"$partition"':ec2:*::snapshot/*","Condition":{"StringEquals":{"aws:RequestTag/snapkeep:vault":"'"$account"'","ec2:CreateAction":"CopySnapshot"}}},{"Sid":"DescribeKeys","Effect":"Allow","Action":"kms:DescribeKey","Resource":["arn:'"$partition"':kms:eu-west-1:111111111111:key/rekey-eu","arn:'"$partition"':kms:eu-west-1:'"$account"':key/vault-eu","arn:'"$partition"':kms:us-east-1:111111111111:key/data","arn:'"$partition"':kms:us-east-1:111111111111:key/rekey-us","arn:'"$partition"':kms:us-east-1:222222222222:key/data","arn:'"$partition"':kms:us-east-1:'"$account"':key/vault-us"]},{"Sid":"GrantKeysToEC2","Effect":"Allow","Action":"kms:CreateGrant","Resource":["arn:'"$partition"':kms:eu-west-1:111111111111:key/rekey-eu","arn:'"$partition"':kms:eu-west-1:'"$account"':key/vault-eu","arn:'"$partition"':kms:us-east-1:111111111111:key/data","arn:'"$partition"':kms:us-east-1:111111111111:key/rekey-us","arn:'"$partition"':kms:us-east-1:222222222222:key/data","arn:'"$partition"':kms:us-east-1:'"$account"':key/vault-us"],"Condition":{"Bool":{"kms:GrantIsForAWSResource":"true"},"ForAllValues:StringEquals":{"kms:GrantOperations":["CreateGrant","Decrypt"]},"Null":{"kms:GrantOperations":"false"},"StringLike":{"kms:ViaService":"ec2.*.'"$suffix"'"}}},{"Sid":"UseKeysThroughEC2","Effect":"Allow","Action":["kms:Decrypt","kms:GenerateDataKey","kms:GenerateDataKeyWithoutPlaintext","kms:ReEncryptFrom","kms:ReEncryptTo"],"Resource":["arn:'"$partition"':kms:eu-west-1:111111111111:key/rekey-eu","arn:'"$partition"':kms:eu-west-1:'"$account"':key/vault-eu","arn:'"$partition"':kms:us-east-1:111111111111:key/data","arn:'"$partition"':kms:us-east-1:111111111111:key/rekey-us","arn:'"$partition"':kms:us-east-1:222222222222:key/data","arn:'"$partition"':kms:us-east-1:'"$account"':key/vault-us"],"Condition":{"StringLike":{"kms:ViaService":"ec2.*.'"$suffix"'"}}},{"Sid":"ImageOwnCopies","Effect":"Allow","Action":"ec2:RegisterImage","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$account"'"}}},{"Sid":"RegisterTaggedImages","Effect":"Allow","Action":"ec2:RegisterImage","Resource":"arn:'"$partition"':ec2:*::image/*","Condition":{"StringEquals":{"aws:RequestTag/snapkeep:vault":"'"$account"'"}}},{"Sid":"TagNewImages","Effect":"Allow","Action":"ec2:CreateTags","Resource":"arn:'"$partition"':ec2:*::image/*","Condition":{"StringEquals":{"aws:RequestTag/snapkeep:vault":"'"$account"'","ec2:CreateAction":"RegisterImage"}}},{"Sid":"LockOwn","Effect":"Allow","Action":"ec2:LockSnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"NumericGreaterThanEquals":{"ec2:SnapshotLockDuration":"7"},"NumericLessThanEquals":{"ec2:SnapshotLockDuration":"400"},"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$account"'","ec2:Owner":"'"$account"'"}}}]}'

put_role snapkeep-vault-pruner 'Deletes the copies that snapkeep made here.' \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Orchestrator","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5","sts:ExternalId":"'"$external_id"'"},"StringLike":{"sts:SourceIdentity":"snapkeep-*"}}},{"Sid":"NamesIdentity","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:SetSourceIdentity","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},"StringLike":{"sts:SourceIdentity":"snapkeep-*"}}},{"Sid":"TagsSessions","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:TagSession","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["plan","run"]},"Null":{"aws:TagKeys":"false"},"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}]}'
aws iam put-role-policy --role-name snapkeep-vault-pruner --policy-name snapkeep-vault-pruner --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Sid":"DeleteOwn","Effect":"Allow","Action":"ec2:DeleteSnapshot","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$account"'","ec2:Owner":"'"$account"'"}}},{"Sid":"DropOwnImages","Effect":"Allow","Action":"ec2:DeregisterImage","Resource":"arn:'"$partition"':ec2:*::image/ami-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$account"'","ec2:Owner":"'"$account"'"}}},{"Sid":"ArchiveOwn","Effect":"Allow","Action":"ec2:ModifySnapshotTier","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$account"'","ec2:Owner":"'"$account"'"}}}]}'

put_role snapkeep-vault-sharer 'Shares copies with the restore accounts and nobody else.' \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Orchestrator","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5","sts:ExternalId":"'"$external_id"'"},"StringLike":{"sts:SourceIdentity":"snapkeep-*"}}},{"Sid":"NamesIdentity","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:SetSourceIdentity","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},"StringLike":{"sts:SourceIdentity":"snapkeep-*"}}},{"Sid":"TagsSessions","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:TagSession","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["plan","run"]},"Null":{"aws:TagKeys":"false"},"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}]}'
aws iam put-role-policy --role-name snapkeep-vault-sharer --policy-name snapkeep-vault-sharer --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Sid":"ShareOwn","Effect":"Allow","Action":"ec2:ModifySnapshotAttribute","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$account"'","ec2:Add/userId":["555555555555","666666666666"]}}},{"Sid":"RevokeOwn","Effect":"Allow","Action":"ec2:ModifySnapshotAttribute","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$account"'","ec2:Remove/userId":["555555555555","666666666666"]}}},{"Sid":"NeverPublic","Effect":"Deny","Action":"ec2:ModifySnapshotAttribute","Resource":"*","Condition":{"Null":{"ec2:Add/group":"false"}}},{"Sid":"NeverToOthers","Effect":"Deny","Action":"ec2:ModifySnapshotAttribute","Resource":"*","Condition":{"ForAnyValue:StringNotEquals":{"ec2:Add/userId":["555555555555","666666666666"]}}},{"Sid":"ThawOwn","Effect":"Allow","Action":"ec2:RestoreSnapshotTier","Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$account"'","ec2:Owner":"'"$account"'"}}}]}'

put_role snapkeep-export 'Reads the blocks of copies.' \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Orchestrator","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5","sts:ExternalId":"'"$external_id"'"},"StringLike":{"sts:SourceIdentity":"snapkeep-*"}}},{"Sid":"NamesIdentity","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:SetSourceIdentity","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"},"StringLike":{"sts:SourceIdentity":"snapkeep-*"}}},{"Sid":"TagsSessions","Effect":"Allow","Principal":{"AWS":"'"$orchestrator"'"},"Action":"sts:TagSession","Condition":{"ForAllValues:StringEquals":{"aws:TagKeys":["plan","run"]},"Null":{"aws:TagKeys":"false"},"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}]}'
aws iam put-role-policy --role-name snapkeep-export --policy-name snapkeep-export --policy-document \
  '{"Version":"2012-10-17","Statement":[{"Sid":"Describe","Effect":"Allow","Action":"ec2:DescribeSnapshots","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":["eu-west-1","us-east-1"]}}},{"Sid":"ReadBlocks","Effect":"Allow","Action":["ebs:GetSnapshotBlock","ebs:ListChangedBlocks","ebs:ListSnapshotBlocks"],"Resource":"arn:'"$partition"':ec2:*::snapshot/snap-*","Condition":{"StringEquals":{"aws:ResourceTag/snapkeep:vault":"'"$account"'"}}}]}'
