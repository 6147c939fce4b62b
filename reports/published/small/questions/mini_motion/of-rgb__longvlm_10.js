given("of-rgb__longvlm_10",{"outcomes":"323333233323312333122333","labels":null});
