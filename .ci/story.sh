#!/usr/bin/env bash
# The life of a backup across accounts, told with the AWS CLI as it is.
#
# Runs inside: go run ./examples/awssim -world story -- bash .ci/story.sh
# Ends with an error as soon as anything is not as on AWS.
set -euo pipefail

vault=999999999999 shop=111111111111 clean=555555555555
export AWS_PAGER="" AWS_MAX_ATTEMPTS=1
# Nothing of the user's own is read.
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null

fail() { echo "story: not as on AWS: $*" >&2; exit 1; }

variable() { local name=$1; echo "${!name}"; }

# as_user SUFFIX COMMAND...: runs the AWS CLI with the key of a user.
as_user() {
  AWS_ACCESS_KEY_ID=$(variable "AWS_ACCESS_KEY_ID_$1") AWS_SECRET_ACCESS_KEY=$(variable "AWS_SECRET_ACCESS_KEY_$1") aws "${@:2}"
}

# assume ACCOUNT ROLE: prints the credentials of a session, as three words.
assume() {
  as_user "$vault" sts assume-role --role-arn "arn:aws:iam::$1:role/$2" --role-session-name story "${@:3}" \
    --query 'Credentials.[AccessKeyId,SecretAccessKey,SessionToken]' --output text
}

# in_session CREDENTIALS COMMAND...: runs the AWS CLI in a session.
in_session() {
  local key secret token
  read -r key secret token <<<"$1"
  AWS_ACCESS_KEY_ID=$key AWS_SECRET_ACCESS_KEY=$secret AWS_SESSION_TOKEN=$token aws "${@:2}"
}

# refused CODE COMMAND...: runs what AWS refuses.
refused() {
  local out
  if out=$("${@:2}" 2>&1); then fail "accepted, not refused with $1: ${*:2}"; fi
  [[ $out == *"($1)"* ]] || fail "refused otherwise than with $1: $out"
}

# completed RUNNER WHO SNAPSHOT: waits as a script does that is in a hurry.
completed() {
  local state
  for _ in $(seq 60); do
    state=$("$1" "$2" ec2 describe-snapshots --snapshot-ids "$3" --query 'Snapshots[0].State' --output text)
    case $state in
      completed) return ;;
      pending) sleep 0.2 ;;
      *) fail "snapshot is $state" ;;
    esac
  done
  fail "snapshot is never completed"
}

refused AccessDenied assume "$shop" backup
backup=$(assume "$shop" backup --external-id story-1)
[ "$(in_session "$backup" sts get-caller-identity --query Account --output text)" = "$shop" ] || fail "the session is not shop's"

instance=$(in_session "$backup" ec2 describe-instances --filters Name=tag:backup,Values=daily \
  --query 'Reservations[].Instances[].InstanceId' --output text)
[ "$instance" = "$(variable "AWSSIM_INSTANCE_${shop}_WEB")" ] || fail "another instance"
original=$(in_session "$backup" ec2 create-snapshots --instance-specification "InstanceId=$instance,ExcludeBootVolume=true" \
  --tag-specifications 'ResourceType=snapshot,Tags=[{Key=plan,Value=daily},{Key=run,Value=cli}]' \
  --query 'Snapshots[0].SnapshotId' --output text)
completed in_session "$backup" "$original"
in_session "$backup" ec2 wait snapshot-completed --snapshot-ids "$original"

share=(ec2 modify-snapshot-attribute --attribute createVolumePermission --operation-type)
copy=(ec2 copy-snapshot --source-region eu-west-1 --source-snapshot-id "$original" --encrypted
  --kms-key-id "$(variable "AWSSIM_KEY_${vault}_VAULT")"
  --tag-specifications 'ResourceType=snapshot,Tags=[{Key=plan,Value=daily}]' --query SnapshotId --output text)
refused InvalidSnapshot.NotFound as_user "$vault" "${copy[@]}"
refused UnauthorizedOperation in_session "$backup" "${share[@]}" add --snapshot-id "$original" --user-ids 666666666666
in_session "$backup" "${share[@]}" add --snapshot-id "$original" --user-ids "$vault"
copied=$(as_user "$vault" "${copy[@]}")
completed as_user "$vault" "$copied"
got=$(as_user "$vault" ec2 describe-snapshots --snapshot-ids "$copied" --query 'Snapshots[0].[OwnerId,VolumeId,VolumeSize,KmsKeyId]' --output text)
[ "$got" = "$(printf '%s\tvol-ffffffff\t10\t%s' "$vault" "$(variable "AWSSIM_KEY_${vault}_VAULT")")" ] || fail "the copy is $got"
in_session "$backup" "${share[@]}" remove --snapshot-id "$original" --user-ids "$vault"

as_user "$vault" "${share[@]}" add --snapshot-id "$copied" --user-ids "$clean"
restore=$(assume "$clean" restore --external-id story-1)
volume=$(in_session "$restore" ec2 create-volume --availability-zone eu-west-1a --snapshot-id "$copied" --encrypted \
  --kms-key-id "$(variable "AWSSIM_KEY_${clean}_CLEAN")" --query VolumeId --output text)
in_session "$restore" ec2 wait volume-available --volume-ids "$volume"
own=$(in_session "$restore" ec2 create-snapshot --volume-id "$volume" --query SnapshotId --output text)
completed in_session "$restore" "$own"
token=$(in_session "$restore" ebs list-snapshot-blocks --snapshot-id "$own" --query 'Blocks[?BlockIndex==`4000`].BlockToken' --output text)
block=$(mktemp)
trap 'rm -f "$block"' EXIT
in_session "$restore" ebs get-snapshot-block --snapshot-id "$own" --block-index 4000 --block-token "$token" "$block" >/dev/null
[ "$(tr -d '\0' <"$block")" = "orders of the shop" ] || fail "other bytes came back"
[ "$(wc -c <"$block")" -eq 524288 ] || fail "a block of another size"

refused UnauthorizedOperation in_session "$backup" ec2 delete-snapshot --snapshot-id "$original"
pruner=$(assume "$shop" pruner --external-id story-1)
in_session "$pruner" ec2 delete-snapshot --snapshot-id "$original"
refused InvalidSnapshot.NotFound in_session "$pruner" ec2 delete-snapshot --snapshot-id "$original"
echo "story: the AWS CLI tells the whole story"
