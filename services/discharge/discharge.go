package discharge
