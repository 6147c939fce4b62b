given("of-rgb__pllava_50",{"outcomes":"332321332332212333233332","labels":null});
