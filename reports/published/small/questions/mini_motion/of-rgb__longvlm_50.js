given("of-rgb__longvlm_50",{"outcomes":"223333213333212333332333","labels":null});
