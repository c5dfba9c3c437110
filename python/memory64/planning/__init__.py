"""What running a model will be like, before it is run."""

from .fit import Fit
from .outlook import Outlook
from .plan import ModelPlan, outlook_now, plan_model
from .rates import Rate

__all__ = ["Fit", "ModelPlan", "Outlook", "Rate", "outlook_now", "plan_model"]
