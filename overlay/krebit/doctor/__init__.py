"""The doctor: what is wrong between this machine and the tenant, and where the tenant answers otherwise than described.

It changes nothing but an access token that has ended, which is renewed as by any command. Needs the extra `cli`.
"""

from krebit.doctor.examination import examine
from krebit.doctor.patch import make_patch
from krebit.doctor.report import OperationResult, Report, Step

__all__ = ["OperationResult", "Report", "Step", "examine", "make_patch"]
