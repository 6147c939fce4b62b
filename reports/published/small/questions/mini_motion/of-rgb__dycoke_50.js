given("of-rgb__dycoke_50",{"outcomes":"221333211223212131122333","labels":null});
