package referral
