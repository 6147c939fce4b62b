given("of-rgb__quickvideo_50",{"outcomes":"321333233321233121332313","labels":null});
