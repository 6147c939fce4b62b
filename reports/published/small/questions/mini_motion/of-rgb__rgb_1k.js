given("of-rgb__rgb_1k",{"outcomes":"323223233323212333122333","labels":null});
