given("of-rgb__longvlm_5",{"outcomes":"323333233333333333122333","labels":null});
