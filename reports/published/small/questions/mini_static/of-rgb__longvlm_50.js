given("of-rgb__longvlm_50",{"outcomes":"333333323332332233321333","labels":null});
