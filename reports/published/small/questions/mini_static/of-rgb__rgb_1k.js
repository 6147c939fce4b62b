given("of-rgb__rgb_1k",{"outcomes":"312321333333122333233332","labels":null});
