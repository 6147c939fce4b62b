given("of-rgb__uniform_10",{"outcomes":"323333223333232333132333","labels":null});
