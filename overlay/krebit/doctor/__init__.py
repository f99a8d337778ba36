"""The doctor: faults on the way to the tenant, and answers of the tenant that differ from the document.

Like any command, it renews an expired access token. It changes nothing else. Needs the extra `cli`.
"""

from krebit.doctor.examination import examine
from krebit.doctor.patch import make_patch
from krebit.doctor.report import OperationResult, Report, Step

__all__ = ["OperationResult", "Report", "Step", "examine", "make_patch"]
