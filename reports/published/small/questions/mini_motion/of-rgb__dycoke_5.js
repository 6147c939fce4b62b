given("of-rgb__dycoke_5",{"outcomes":"323223233323212333122333","labels":null});
