given("of-rgb__longvlm_25",{"outcomes":"332312233332122333323333","labels":null});
