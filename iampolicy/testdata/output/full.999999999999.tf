# Made by iampolicy: change the installation and make it again, not this file.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "orchestrator" {
  type        = string
  description = "ARN of the role or user in the vault account that assumes the roles. It must exist."
  default     = "arn:aws:iam::999999999999:role/backup/orchestrator"
}

variable "external_id" {
  type        = string
  description = "External id that the vault account sends. Each account has its own."
  default     = "vault-7c1e"
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

resource "aws_iam_role" "snapkeep_vault_writer" {
  name        = "snapkeep-vault-writer"
  description = "Copies what protected accounts share. Cannot delete or share."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # One principal of the vault account assumes the role, and only on behalf of this account: the
      # external id tells.
      {
        Sid    = "Orchestrator"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
            "sts:ExternalId"     = var.external_id
          }
          StringLike = {
            "sts:SourceIdentity" = "snapkeep-*"
          }
        }
      },
      # Each session says for whom it is, and cannot say otherwise later. The external id is asked
      # for when the role is assumed.
      {
        Sid    = "NamesIdentity"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:SetSourceIdentity"
        Condition = {
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
          }
          StringLike = {
            "sts:SourceIdentity" = "snapkeep-*"
          }
        }
      },
      # Sessions carry these tags, for the audit log, and no others that a policy might believe.
      {
        Sid    = "TagsSessions"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:TagSession"
        Condition = {
          "ForAllValues:StringEquals" = {
            "aws:TagKeys" = [
              "plan",
              "run",
            ]
          }
          Null = {
            "aws:TagKeys" = "false"
          }
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "snapkeep_vault_writer" {
  name = "snapkeep-vault-writer"
  role = aws_iam_role.snapkeep_vault_writer.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # The state of a run and the catalog are read from the snapshots' tags. What images, locks and
      # the archive hold is not planned to go, and what went to the Recycle Bin is told.
      {
        Sid    = "Describe"
        Effect = "Allow"
        Action = [
          "ec2:DescribeImages",
          "ec2:DescribeLockedSnapshots",
          "ec2:DescribeSnapshotTierStatus",
          "ec2:DescribeSnapshots",
          "ec2:ListSnapshotsInRecycleBin",
        ]
        Resource = "*"
        Condition = {
          StringEquals = {
            "aws:RequestedRegion" = [
              "eu-west-1",
              "us-east-1",
            ]
          }
        }
      },
      # The source of a copy cannot be told by its tags, but by its owner: nothing is copied that a
      # stranger shares.
      {
        Sid      = "CopySource"
        Effect   = "Allow"
        Action   = "ec2:CopySnapshot"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "ec2:Owner" = [
              "111111111111",
              "222222222222",
              data.aws_caller_identity.current.account_id,
            ]
          }
        }
      },
      # Copies are encrypted and carry the tag by which they are later shared and pruned.
      {
        Sid      = "MakeTaggedCopies"
        Effect   = "Allow"
        Action   = "ec2:CopySnapshot"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/$${*}"
        Condition = {
          Bool = {
            "ec2:Encrypted" = "true"
          }
          StringEquals = {
            "aws:RequestTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
            "aws:RequestedRegion" = [
              "eu-west-1",
              "us-east-1",
            ]
          }
        }
      },
      # Copies are tagged in the call that makes them and at no other time.
      {
        Sid      = "TagNewCopies"
        Effect   = "Allow"
        Action   = "ec2:CreateTags"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/*"
        Condition = {
          StringEquals = {
            "aws:RequestTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
            "ec2:CreateAction"              = "CopySnapshot"
          }
        }
      },
      # EC2 asks for it when a copy names a key, and so does the engine itself: kms:ViaService would
      # not hold then.
      {
        Sid    = "DescribeKeys"
        Effect = "Allow"
        Action = "kms:DescribeKey"
        Resource = [
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:111111111111:key/rekey-eu",
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${data.aws_caller_identity.current.account_id}:key/vault-eu",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:111111111111:key/data",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:111111111111:key/rekey-us",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:222222222222:key/data",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${data.aws_caller_identity.current.account_id}:key/vault-us",
        ]
      },
      # EC2 works on after the call has returned, by a grant; nobody else is granted anything.
      {
        Sid    = "GrantKeysToEC2"
        Effect = "Allow"
        Action = "kms:CreateGrant"
        Resource = [
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:111111111111:key/rekey-eu",
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${data.aws_caller_identity.current.account_id}:key/vault-eu",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:111111111111:key/data",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:111111111111:key/rekey-us",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:222222222222:key/data",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${data.aws_caller_identity.current.account_id}:key/vault-us",
        ]
        Condition = {
          Bool = {
            "kms:GrantIsForAWSResource" = "true"
          }
          "ForAllValues:StringEquals" = {
            "kms:GrantOperations" = [
              "CreateGrant",
              "Decrypt",
            ]
          }
          Null = {
            "kms:GrantOperations" = "false"
          }
          StringLike = {
            "kms:ViaService" = "ec2.*.${data.aws_partition.current.dns_suffix}"
          }
        }
      },
      # Copies are read and written under these keys by EC2; the role itself cannot decrypt
      # anything.
      {
        Sid    = "UseKeysThroughEC2"
        Effect = "Allow"
        Action = [
          "kms:Decrypt",
          "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
        ]
        Resource = [
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:111111111111:key/rekey-eu",
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${data.aws_caller_identity.current.account_id}:key/vault-eu",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:111111111111:key/data",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:111111111111:key/rekey-us",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:222222222222:key/data",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${data.aws_caller_identity.current.account_id}:key/vault-us",
        ]
        Condition = {
          StringLike = {
            "kms:ViaService" = "ec2.*.${data.aws_partition.current.dns_suffix}"
          }
        }
      },
      # Images are registered of the vault's own copies only.
      {
        Sid      = "ImageOwnCopies"
        Effect   = "Allow"
        Action   = "ec2:RegisterImage"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
          }
        }
      },
      # No image is registered without the tag by which it is later dropped.
      {
        Sid      = "RegisterTaggedImages"
        Effect   = "Allow"
        Action   = "ec2:RegisterImage"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::image/*"
        Condition = {
          StringEquals = {
            "aws:RequestTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
          }
        }
      },
      # Images are tagged in the call that makes them and at no other time.
      {
        Sid      = "TagNewImages"
        Effect   = "Allow"
        Action   = "ec2:CreateTags"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::image/*"
        Condition = {
          StringEquals = {
            "aws:RequestTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
            "ec2:CreateAction"              = "RegisterImage"
          }
        }
      },
      # Only the vault's own snapshots are locked, neither for no time nor for good; nobody is given
      # the right to unlock.
      {
        Sid      = "LockOwn"
        Effect   = "Allow"
        Action   = "ec2:LockSnapshot"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          NumericGreaterThanEquals = {
            "ec2:SnapshotLockDuration" = "7"
          }
          NumericLessThanEquals = {
            "ec2:SnapshotLockDuration" = "400"
          }
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
            "ec2:Owner"                      = data.aws_caller_identity.current.account_id
          }
        }
      },
    ]
  })
}

output "snapkeep_vault_writer_arn" {
  description = "Role for the purpose vault-writer."
  value       = aws_iam_role.snapkeep_vault_writer.arn
}

resource "aws_iam_role" "snapkeep_vault_pruner" {
  name        = "snapkeep-vault-pruner"
  description = "Deletes the copies that snapkeep made here."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # One principal of the vault account assumes the role, and only on behalf of this account: the
      # external id tells.
      {
        Sid    = "Orchestrator"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
            "sts:ExternalId"     = var.external_id
          }
          StringLike = {
            "sts:SourceIdentity" = "snapkeep-*"
          }
        }
      },
      # Each session says for whom it is, and cannot say otherwise later. The external id is asked
      # for when the role is assumed.
      {
        Sid    = "NamesIdentity"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:SetSourceIdentity"
        Condition = {
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
          }
          StringLike = {
            "sts:SourceIdentity" = "snapkeep-*"
          }
        }
      },
      # Sessions carry these tags, for the audit log, and no others that a policy might believe.
      {
        Sid    = "TagsSessions"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:TagSession"
        Condition = {
          "ForAllValues:StringEquals" = {
            "aws:TagKeys" = [
              "plan",
              "run",
            ]
          }
          Null = {
            "aws:TagKeys" = "false"
          }
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "snapkeep_vault_pruner" {
  name = "snapkeep-vault-pruner"
  role = aws_iam_role.snapkeep_vault_pruner.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # Only the vault's own snapshots are deleted; which of them, and how old at least, each prune
      # says in its session policy.
      {
        Sid      = "DeleteOwn"
        Effect   = "Allow"
        Action   = "ec2:DeleteSnapshot"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
            "ec2:Owner"                      = data.aws_caller_identity.current.account_id
          }
        }
      },
      # An image keeps its snapshots from being deleted; only the vault's own are dropped.
      {
        Sid      = "DropOwnImages"
        Effect   = "Allow"
        Action   = "ec2:DeregisterImage"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::image/ami-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
            "ec2:Owner"                      = data.aws_caller_identity.current.account_id
          }
        }
      },
      # Only the vault's own copies are moved to the archive; which of them, and how old at least,
      # each call says in its session policy.
      {
        Sid      = "ArchiveOwn"
        Effect   = "Allow"
        Action   = "ec2:ModifySnapshotTier"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
            "ec2:Owner"                      = data.aws_caller_identity.current.account_id
          }
        }
      },
    ]
  })
}

output "snapkeep_vault_pruner_arn" {
  description = "Role for the purpose vault-pruner."
  value       = aws_iam_role.snapkeep_vault_pruner.arn
}

resource "aws_iam_role" "snapkeep_vault_sharer" {
  name        = "snapkeep-vault-sharer"
  description = "Shares copies with the restore accounts and nobody else."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # One principal of the vault account assumes the role, and only on behalf of this account: the
      # external id tells.
      {
        Sid    = "Orchestrator"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
            "sts:ExternalId"     = var.external_id
          }
          StringLike = {
            "sts:SourceIdentity" = "snapkeep-*"
          }
        }
      },
      # Each session says for whom it is, and cannot say otherwise later. The external id is asked
      # for when the role is assumed.
      {
        Sid    = "NamesIdentity"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:SetSourceIdentity"
        Condition = {
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
          }
          StringLike = {
            "sts:SourceIdentity" = "snapkeep-*"
          }
        }
      },
      # Sessions carry these tags, for the audit log, and no others that a policy might believe.
      {
        Sid    = "TagsSessions"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:TagSession"
        Condition = {
          "ForAllValues:StringEquals" = {
            "aws:TagKeys" = [
              "plan",
              "run",
            ]
          }
          Null = {
            "aws:TagKeys" = "false"
          }
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "snapkeep_vault_sharer" {
  name = "snapkeep-vault-sharer"
  role = aws_iam_role.snapkeep_vault_sharer.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # Only the vault's own snapshots are shared, and only with the accounts that are to copy them.
      {
        Sid      = "ShareOwn"
        Effect   = "Allow"
        Action   = "ec2:ModifySnapshotAttribute"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
            "ec2:Add/userId" = [
              "555555555555",
              "666666666666",
            ]
          }
        }
      },
      # A share is taken back as soon as the copy is verified; other shares are not ours to take.
      {
        Sid      = "RevokeOwn"
        Effect   = "Allow"
        Action   = "ec2:ModifySnapshotAttribute"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
            "ec2:Remove/userId" = [
              "555555555555",
              "666666666666",
            ]
          }
        }
      },
      # A call that shares with an account could share with everyone as well.
      {
        Sid      = "NeverPublic"
        Effect   = "Deny"
        Action   = "ec2:ModifySnapshotAttribute"
        Resource = "*"
        Condition = {
          Null = {
            "ec2:Add/group" = "false"
          }
        }
      },
      # A call that names several accounts, or takes one share back and gives another, must not slip
      # a stranger in.
      {
        Sid      = "NeverToOthers"
        Effect   = "Deny"
        Action   = "ec2:ModifySnapshotAttribute"
        Resource = "*"
        Condition = {
          "ForAnyValue:StringNotEquals" = {
            "ec2:Add/userId" = [
              "555555555555",
              "666666666666",
            ]
          }
        }
      },
      # What is in the archive must be brought back before it can be shared and restored.
      {
        Sid      = "ThawOwn"
        Effect   = "Allow"
        Action   = "ec2:RestoreSnapshotTier"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
            "ec2:Owner"                      = data.aws_caller_identity.current.account_id
          }
        }
      },
    ]
  })
}

output "snapkeep_vault_sharer_arn" {
  description = "Role for the purpose vault-sharer."
  value       = aws_iam_role.snapkeep_vault_sharer.arn
}

resource "aws_iam_role" "snapkeep_export" {
  name        = "snapkeep-export"
  description = "Reads the blocks of copies."
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # One principal of the vault account assumes the role, and only on behalf of this account: the
      # external id tells.
      {
        Sid    = "Orchestrator"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:AssumeRole"
        Condition = {
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
            "sts:ExternalId"     = var.external_id
          }
          StringLike = {
            "sts:SourceIdentity" = "snapkeep-*"
          }
        }
      },
      # Each session says for whom it is, and cannot say otherwise later. The external id is asked
      # for when the role is assumed.
      {
        Sid    = "NamesIdentity"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:SetSourceIdentity"
        Condition = {
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
          }
          StringLike = {
            "sts:SourceIdentity" = "snapkeep-*"
          }
        }
      },
      # Sessions carry these tags, for the audit log, and no others that a policy might believe.
      {
        Sid    = "TagsSessions"
        Effect = "Allow"
        Principal = {
          AWS = var.orchestrator
        }
        Action = "sts:TagSession"
        Condition = {
          "ForAllValues:StringEquals" = {
            "aws:TagKeys" = [
              "plan",
              "run",
            ]
          }
          Null = {
            "aws:TagKeys" = "false"
          }
          StringEquals = {
            "aws:PrincipalOrgID" = "o-a1b2c3d4e5"
          }
        }
      },
    ]
  })
}

resource "aws_iam_role_policy" "snapkeep_export" {
  name = "snapkeep-export"
  role = aws_iam_role.snapkeep_export.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # The state of a run and the catalog are read from the snapshots' tags.
      {
        Sid      = "Describe"
        Effect   = "Allow"
        Action   = "ec2:DescribeSnapshots"
        Resource = "*"
        Condition = {
          StringEquals = {
            "aws:RequestedRegion" = [
              "eu-west-1",
              "us-east-1",
            ]
          }
        }
      },
      # Blocks are read of the vault's own copies; what others share has none of the tags of this
      # account.
      {
        Sid    = "ReadBlocks"
        Effect = "Allow"
        Action = [
          "ebs:GetSnapshotBlock",
          "ebs:ListChangedBlocks",
          "ebs:ListSnapshotBlocks",
        ]
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          StringEquals = {
            "aws:ResourceTag/snapkeep:vault" = data.aws_caller_identity.current.account_id
          }
        }
      },
    ]
  })
}

output "snapkeep_export_arn" {
  description = "Role for the purpose export."
  value       = aws_iam_role.snapkeep_export.arn
}
