# Made by iampolicy: change the installation and make it again, not this file.

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
  }
}

variable "vault_account" {
  type        = string
  description = "Account that keeps the copies."
  default     = "999999999999"
}

variable "orchestrator" {
  type        = string
  description = "ARN of the role or user in the vault account that assumes the roles. It must exist."
  default     = "arn:aws:iam::999999999999:role/backup/orchestrator"
}

variable "external_id" {
  type        = string
  description = "External id that the vault account sends. Each account has its own."
  default     = "restore-e81a"
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

resource "aws_iam_role" "snapkeep_restore" {
  name        = "snapkeep-restore"
  description = "Makes volumes and instances from the copies that the vault account shares."
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

resource "aws_iam_role_policy" "snapkeep_restore" {
  name = "snapkeep-restore"
  role = aws_iam_role.snapkeep_restore.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      # The state of a run and the catalog are read from the snapshots' tags. A restore is followed
      # until its volumes and instances are there.
      {
        Sid    = "Describe"
        Effect = "Allow"
        Action = [
          "ec2:DescribeImages",
          "ec2:DescribeInstances",
          "ec2:DescribeSnapshots",
          "ec2:DescribeVolumes",
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
              data.aws_caller_identity.current.account_id,
              var.vault_account,
            ]
          }
        }
      },
      # What the vault shares is first copied under a key of this account, so that nothing restored
      # depends on the vault.
      {
        Sid      = "MakeRestoreCopies"
        Effect   = "Allow"
        Action   = "ec2:CopySnapshot"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/$${*}"
        Condition = {
          Bool = {
            "ec2:Encrypted" = "true"
          }
          Null = {
            "aws:RequestTag/snapkeep:restore" = "false"
          }
        }
      },
      # What a restore makes is tagged in the call that makes it and at no other time.
      {
        Sid    = "TagWhatIsMade"
        Effect = "Allow"
        Action = "ec2:CreateTags"
        Resource = [
          "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:instance/*",
          "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:volume/*",
          "arn:${data.aws_partition.current.partition}:ec2:*::image/*",
          "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/*",
        ]
        Condition = {
          Null = {
            "aws:RequestTag/snapkeep:restore" = "false"
          }
          StringEquals = {
            "ec2:CreateAction" = [
              "CopySnapshot",
              "CreateVolume",
              "RegisterImage",
              "RunInstances",
            ]
          }
        }
      },
      # Volumes and images are made of the restore's own copies only.
      {
        Sid    = "UseRestoreCopies"
        Effect = "Allow"
        Action = [
          "ec2:CreateVolume",
          "ec2:RegisterImage",
        ]
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          Null = {
            "aws:ResourceTag/snapkeep:restore" = "false"
          }
        }
      },
      # Restored volumes are encrypted and marked.
      {
        Sid      = "MakeVolumes"
        Effect   = "Allow"
        Action   = "ec2:CreateVolume"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:volume/*"
        Condition = {
          Bool = {
            "ec2:Encrypted" = "true"
          }
          Null = {
            "aws:RequestTag/snapkeep:restore" = "false"
          }
        }
      },
      # An instance starts from an image of the restored root volume.
      {
        Sid      = "MakeImages"
        Effect   = "Allow"
        Action   = "ec2:RegisterImage"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::image/*"
        Condition = {
          Null = {
            "aws:RequestTag/snapkeep:restore" = "false"
          }
        }
      },
      # The image is of no use once the instance runs, and keeps the copies from being deleted.
      {
        Sid      = "DropImages"
        Effect   = "Allow"
        Action   = "ec2:DeregisterImage"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::image/ami-*"
        Condition = {
          Null = {
            "aws:ResourceTag/snapkeep:restore" = "false"
          }
        }
      },
      # Instances start from the restore's own images only.
      {
        Sid      = "RunRestoredImages"
        Effect   = "Allow"
        Action   = "ec2:RunInstances"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::image/ami-*"
        Condition = {
          Null = {
            "aws:ResourceTag/snapkeep:restore" = "false"
          }
          StringEquals = {
            "ec2:Owner" = data.aws_caller_identity.current.account_id
          }
        }
      },
      # Restored instances and their volumes are marked.
      {
        Sid    = "MakeInstances"
        Effect = "Allow"
        Action = "ec2:RunInstances"
        Resource = [
          "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:instance/*",
          "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:volume/*",
        ]
        Condition = {
          Null = {
            "aws:RequestTag/snapkeep:restore" = "false"
          }
        }
      },
      # Where an instance starts is the caller's choice, within the account.
      {
        Sid    = "PlaceInstances"
        Effect = "Allow"
        Action = "ec2:RunInstances"
        Resource = [
          "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:key-pair/*",
          "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:network-interface/*",
          "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:security-group/*",
          "arn:${data.aws_partition.current.partition}:ec2:*:${data.aws_caller_identity.current.account_id}:subnet/*",
        ]
      },
      # A restored instance gets the role it had, if that is one of those listed.
      {
        Sid    = "PassListedRoles"
        Effect = "Allow"
        Action = "iam:PassRole"
        Resource = [
          "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/app",
          "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:role/web",
        ]
        Condition = {
          StringEquals = {
            "iam:PassedToService" = "ec2.amazonaws.com"
          }
        }
      },
      # The restore's own copies are of no use once the volumes are made.
      {
        Sid      = "DeleteRestoreCopies"
        Effect   = "Allow"
        Action   = "ec2:DeleteSnapshot"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          Null = {
            "aws:ResourceTag/snapkeep:restore" = "false"
          }
          StringEquals = {
            "ec2:Owner" = data.aws_caller_identity.current.account_id
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
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${data.aws_caller_identity.current.account_id}:key/clean-eu",
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${var.vault_account}:key/vault-eu",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${data.aws_caller_identity.current.account_id}:key/clean-us",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${var.vault_account}:key/vault-us",
        ]
      },
      # EC2 works on after the call has returned, by a grant; nobody else is granted anything.
      {
        Sid    = "GrantKeysToEC2"
        Effect = "Allow"
        Action = "kms:CreateGrant"
        Resource = [
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${data.aws_caller_identity.current.account_id}:key/clean-eu",
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${var.vault_account}:key/vault-eu",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${data.aws_caller_identity.current.account_id}:key/clean-us",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${var.vault_account}:key/vault-us",
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
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${data.aws_caller_identity.current.account_id}:key/clean-eu",
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${var.vault_account}:key/vault-eu",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${data.aws_caller_identity.current.account_id}:key/clean-us",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${var.vault_account}:key/vault-us",
        ]
        Condition = {
          StringLike = {
            "kms:ViaService" = "ec2.*.${data.aws_partition.current.dns_suffix}"
          }
        }
      },
    ]
  })
}

output "snapkeep_restore_arn" {
  description = "Role for the purpose restore."
  value       = aws_iam_role.snapkeep_restore.arn
}

resource "aws_iam_role" "snapkeep_import" {
  name        = "snapkeep-import"
  description = "Writes snapshots block by block."
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

resource "aws_iam_role_policy" "snapkeep_import" {
  name = "snapkeep-import"
  role = aws_iam_role.snapkeep_import.id
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
      # EC2 asks for it when a copy names a key, and so does the engine itself: kms:ViaService would
      # not hold then.
      {
        Sid    = "DescribeKeys"
        Effect = "Allow"
        Action = "kms:DescribeKey"
        Resource = [
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${data.aws_caller_identity.current.account_id}:key/clean-eu",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${data.aws_caller_identity.current.account_id}:key/clean-us",
        ]
      },
      # EC2 works on after the call has returned, by a grant; nobody else is granted anything.
      {
        Sid    = "GrantKeysToEC2"
        Effect = "Allow"
        Action = "kms:CreateGrant"
        Resource = [
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${data.aws_caller_identity.current.account_id}:key/clean-eu",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${data.aws_caller_identity.current.account_id}:key/clean-us",
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
      # anything. Blocks are encrypted as they come.
      {
        Sid    = "UseKeysThroughEC2"
        Effect = "Allow"
        Action = [
          "kms:Decrypt",
          "kms:Encrypt",
          "kms:GenerateDataKey",
          "kms:GenerateDataKeyWithoutPlaintext",
          "kms:ReEncryptFrom",
          "kms:ReEncryptTo",
        ]
        Resource = [
          "arn:${data.aws_partition.current.partition}:kms:eu-west-1:${data.aws_caller_identity.current.account_id}:key/clean-eu",
          "arn:${data.aws_partition.current.partition}:kms:us-east-1:${data.aws_caller_identity.current.account_id}:key/clean-us",
        ]
        Condition = {
          StringLike = {
            "kms:ViaService" = "ec2.*.${data.aws_partition.current.dns_suffix}"
          }
        }
      },
      # No snapshot is written without the tag by which its writer may go on. That it is encrypted
      # no condition key tells.
      {
        Sid      = "StartTagged"
        Effect   = "Allow"
        Action   = "ebs:StartSnapshot"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/*"
        Condition = {
          Null = {
            "aws:RequestTag/snapkeep:restore" = "false"
          }
        }
      },
      # What is written is tagged in the call that starts it and at no other time.
      {
        Sid      = "TagStarted"
        Effect   = "Allow"
        Action   = "ec2:CreateTags"
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/*"
        Condition = {
          Null = {
            "aws:RequestTag/snapkeep:restore" = "false"
          }
          StringEquals = {
            "ec2:CreateAction" = "StartSnapshot"
          }
        }
      },
      # Blocks are written to what an import or a restore has begun and to nothing else.
      {
        Sid    = "WriteBlocks"
        Effect = "Allow"
        Action = [
          "ebs:CompleteSnapshot",
          "ebs:PutSnapshotBlock",
        ]
        Resource = "arn:${data.aws_partition.current.partition}:ec2:*::snapshot/snap-*"
        Condition = {
          Null = {
            "aws:ResourceTag/snapkeep:restore" = "false"
          }
        }
      },
    ]
  })
}

output "snapkeep_import_arn" {
  description = "Role for the purpose import."
  value       = aws_iam_role.snapkeep_import.arn
}
