given("of-rgb__dycoke_25",{"outcomes":"323223233323212333122333","labels":null});
